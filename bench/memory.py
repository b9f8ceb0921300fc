"""What recordings take: memory of a server with N idle connections, with and without the library."""

import contextlib
import glob
import json
import os
import resource
import subprocess
import time

from common import Section, Skipped, clean_environment, preloaded, run, scratch, stop


class Crowd:
    """A crowd program driven by lines (bench/crowd.cpp)."""

    def __init__(self, build, *arguments, env=None):
        self.process = subprocess.Popen([build.bench("crowd"), *map(str, arguments)], env=env or clean_environment(),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def hear(self, word):
        line = self.process.stdout.readline().split()
        if len(line) != 2 or line[0] != word:
            raise Skipped(f"crowd said {' '.join(line) or 'nothing'} instead of {word}")
        return int(line[1])

    def tell(self, word, number):
        self.process.stdin.write(f"{word} {number}\n")
        self.process.stdin.flush()

    def ask(self, word, number, answer):
        self.tell(word, number)
        return self.hear(answer)

    def end_of_input(self):
        self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            stop(self.process)


class Held:
    """A server that holds connections, and the clients at their other ends."""

    def __init__(self, build, env):
        self.server = Crowd(build, "hold", env=env)
        self.clients = Crowd(build, "connect", self.server.hear("port"))
        self.count = 0

    def grow_to(self, count):
        more, self.count = count - self.count, count
        while more > 0:  # in steps that fit the listener's queue
            step = min(more, 2000)
            more -= step
            self.server.tell("until", count - more)
            self.clients.ask("more", step, "open")
            self.server.hear("holding")

    def end_connections(self, told):
        """The peers of so many (all told since the start) close; the server reads the end and forgets."""
        self.server.tell("told", told)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.clients.__exit__(*exception)
        self.server.__exit__(*exception)


def resident_bytes(pid):
    """Private and shared memory a process uses, page tables included."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.split(":", 1) for line in file)
    return 1024 * sum(int(fields[name].split()[0]) for name in ("VmRSS", "VmPTE"))


def recording_of(directory, pid=None, seconds=10):
    end = time.monotonic() + seconds
    while True:
        found = glob.glob(os.path.join(directory, f"*{pid or ''}*.socktrack"))
        if found:
            return max(found, key=os.path.getmtime)
        if time.monotonic() > end:
            raise Skipped("no recording was made")
        time.sleep(0.05)


def glance(build, recording, accused=0, seconds=0):
    done = run([build.bench("glance"), recording, accused, seconds], seconds + 60)
    if done.returncode != 0:
        raise Skipped(f"glance cannot read {recording}")
    return json.loads(done.stdout)


def most_descriptors():
    """Connections one process can hold here, ours and the program's own descriptors left out."""
    return min(20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 40)


def memory(build, options):
    section = Section("memory", "Memory of a server with idle connections (RSS and page tables; recording on disk)",
                      ["connections", "bare_kib", "preloaded_kib", "added_kib", "added_per_connection_bytes",
                       "recording_kib"])
    counts = [10, 1000, min(15_000, most_descriptors())]
    sizes = {}
    for kind in ("bare", "preloaded"):
        with scratch() as directory:
            env = preloaded(build.library, directory) if kind == "preloaded" else clean_environment()
            with Held(build, env) as held:
                for count in counts:
                    held.grow_to(count)
                    time.sleep(2.5)  # two looks of the watcher
                    sizes[kind, count] = resident_bytes(held.server.pid)
                    if kind == "preloaded":
                        sizes["disk", count] = glance(build, recording_of(directory))["bytes_on_disk"]
    few = sizes["preloaded", counts[0]] - sizes["bare", counts[0]]
    for count in counts:
        added = sizes["preloaded", count] - sizes["bare", count]
        each = None if count == counts[0] else (added - few) / (count - counts[0])
        section.add(count, sizes["bare", count] // 1024, sizes["preloaded", count] // 1024, added // 1024, each,
                    sizes["disk", count] // 1024)
    section.note(f"per connection: what was added beyond the {few // 1024} KiB at {counts[0]} connections.")
    return section


SECTIONS = {"memory": memory}
