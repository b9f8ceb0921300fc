"""The same work under other tools. Orders of magnitude: they were made for other questions."""

import contextlib
import os
import subprocess
import time

from common import Section, Skipped, clean_environment, first_line, interleaved, median, preloaded, scratch, stop, tool
from common import tree_cpu
from programs import Way
from servers import Nginx, Redis, wrk

CALLS = "socket,connect,accept,accept4,close,read,write,readv,writev,recvfrom,sendto,recvmsg,sendmsg"

# What asks the same of the kernel as we do of libc: the stacks of opens and closes.
BPF = """
uretprobe:{libc}:socket, uretprobe:{libc}:accept, uretprobe:{libc}:accept4 /pid == {pid}/ {{ @opened[pid, retval] = ustack(30); }}
uprobe:{libc}:close /pid == {pid}/ {{ @closed[ustack(30)] = count(); delete(@opened[pid, arg0]); }}
"""


class Peer(Way):
    def __init__(self, build, kind, prefix=(), library=None):
        super().__init__(build, kind)
        self.prefix, self.library = list(prefix), library

    def environment(self, directory):
        if self.kind == "socktrack":
            return preloaded(self.build.library, directory)
        return clean_environment(**({"LD_PRELOAD": self.library} if self.library else {}))

    @contextlib.contextmanager
    def attached(self, server):
        """What watches from beside; yields a function that tells its CPU seconds."""
        yield lambda: 0.0


class Bpftrace(Peer):
    def __init__(self, build):
        super().__init__(build, "bpftrace")
        self.program = tool("bpftrace")
        if os.geteuid() != 0:
            raise Skipped("needs root")

    @contextlib.contextmanager
    def attached(self, server):
        with open(f"/proc/{server.process.pid}/maps", encoding="utf-8") as file:
            libc = next((line.split()[-1] for line in file if "/libc.so.6" in line), None)
        process = subprocess.Popen([self.program, "-e", BPF.format(libc=libc, pid=server.process.pid)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env=clean_environment())
        try:
            said = []
            while not said or not said[-1].startswith("Attaching"):  # before that come warnings
                said.append(process.stdout.readline())
                if not said[-1]:
                    raise Skipped(f"it ended: {' '.join(''.join(said).split())[-300:]}")
            time.sleep(2)  # it says what it is about to attach, not when it has
            if process.poll() is not None:
                raise Skipped(f"it ended: {process.stdout.read().strip()[-200:]}")
            yield lambda: tree_cpu(process.pid)
        finally:
            stop(process)


def peers_of(build):
    """{name: function making the peer}; making it may raise Skipped."""
    return {
        "bare": lambda: Peer(build, "bare"),
        "socktrack": lambda: Peer(build, "socktrack"),
        "naive interposer": lambda: Peer(build, "naive", library=build.bench("libnaive.so")),
        "bpftrace, stacks": lambda: Bpftrace(build),
        "valgrind --tool=none": lambda: Peer(build, "none", [tool("valgrind"), "-q", "--tool=none", "--track-fds=yes"]),
        "valgrind --track-fds": lambda: Peer(build, "memcheck", [tool("valgrind"), "-q", "--track-fds=yes"]),
        "strace -f": lambda: Peer(build, "strace", [tool("strace"), "-f", "-qq", "-o", "/dev/null", "-e", CALLS]),
        "strace -f -k": lambda: Peer(build, "strace-k", [tool("strace"), "-f", "-k", "-qq", "-o", "/dev/null", "-e", CALLS]),
        "ltrace": lambda: Peer(build, "ltrace", [tool("ltrace"), "-f", "-o", "/dev/null", "-e",
                                                 CALLS.replace("recvfrom", "recv").replace("sendto", "send").replace(",", "+")]),
    }


# name: (server, load by "how slow is it": 1 fast, more is slower)
WORK = {
    "redis -P 1": (Redis, lambda s, slow: s.load(100_000 // slow, 1)),
    "nginx keepalive": (Nginx, lambda s, slow: wrk(s.port, 2)),
    "nginx close": (Nginx, lambda s, slow: wrk(s.port, 2, "-H", "Connection: close")),
}
SLOW = {"strace -f": 10, "strace -f -k": 50, "ltrace": 50, "valgrind --track-fds": 5, "valgrind --tool=none": 2}


def one_run(make, name, server, load):
    way = make()
    with scratch() as directory, server(way, directory, way.build) as running, way.attached(running) as beside:
        before = running.cpu() + beside()
        requests, rate = load(running, SLOW.get(name, 1))
        return (running.cpu() + beside() - before) / requests * 1e6, rate


def versions(section):
    for command in (["strace", "--version"], ["ltrace", "--version"], ["valgrind", "--version"],
                    ["bpftrace", "--version"]):
        line = first_line(command)
        if line:
            section.note(line)


def peers(build, options):
    rounds = 1 if options.quick else 3
    section = Section("peers", f"Other tools on the same work, medians of {rounds} interleaved rounds: CPU of the server and the tool",
                      ["work", "tool", "us_per_request", "cpu_ratio", "rate", "rate_ratio"])
    for work, (server, load) in WORK.items():
        if options.quick and work == "nginx keepalive":
            continue
        makers, unable = peers_of(build), {}

        def measured(name, makers=makers, unable=unable, server=server, load=load):
            if name in unable:
                return None
            try:
                return one_run(makers[name], name, server, load)
            except (Skipped, OSError, subprocess.TimeoutExpired) as reason:
                unable[name] = reason
                return None

        results = interleaved(list(makers), rounds, measured)
        for name, reason in unable.items():
            section.skip(f"{name} on {work}", reason)
        bare = None
        for name in makers:
            if name in unable:
                continue
            cpu, rate = (median(r[name][i] for r in results) for i in (0, 1))
            bare = bare or (cpu, rate)
            section.add(work, name, cpu, cpu / bare[0], rate, rate / bare[1])
    section.note("the naive interposer: a mutex, a map and backtrace() in every call (bench/naive)")
    section.note("rates of redis under slow tools come from fewer requests")
    versions(section)
    return section


SECTIONS = {"peers": peers}
