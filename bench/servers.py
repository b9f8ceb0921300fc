"""Servers as people run them, and loads for them. Each server is a context manager: started with a prefix and
an environment, on a port of its own, and gone at the end; load() does a fixed amount of work."""

import os
import pwd
import re
import shutil
import socket
import subprocess
import sys

from common import ROOT, Skipped, clean_environment, run, stop, tool, tree_cpu, wait_until

PROGRAMS = os.path.join(ROOT, "bench", "programs")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """`way`: how it is run: an object with .prefix (command before the server's) and .environment(directory)."""

    patience = 60  # seconds until it answers; peers are slow

    def __init__(self, way, directory, build):
        self.way, self.directory, self.build = way, directory, build
        self.port = None
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self, command, **options):
        self.process = subprocess.Popen([*self.way.prefix, *map(str, command)],
                                        env=self.way.environment(os.path.join(self.directory, "recordings")),
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        **{"stdout": subprocess.DEVNULL, "text": True, **options})

    def __enter__(self):
        try:
            self.port = free_port()
            self.start(self.command())
            self.wait_for_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_for_port(self):
        def ready():
            if self.process.poll() is not None:
                raise Skipped(f"the server ended with status {self.process.returncode} before it answered")
            return answers(self.port)
        wait_until(ready, self.patience, "the server's first answer")

    def __exit__(self, *_):
        if self.process:
            stop(self.process)

    def cpu(self):
        """CPU seconds so far, of the tool that watches it, too, if that is its parent."""
        return tree_cpu(self.process.pid)


class SaysPort(Server):
    def __enter__(self):
        try:
            self.start(self.command(), stdout=subprocess.PIPE)
            line = self.process.stdout.readline().split()
            if len(line) != 2:
                raise Skipped("the server did not say its port")
            self.port = int(line[1])
        except BaseException:
            self.__exit__()
            raise
        return self


class Redis(Server):
    def command(self):
        return [tool("redis-server"), "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                "--dir", self.directory]

    def load(self, work, pipeline):
        done = run([tool("redis-benchmark"), "-p", self.port, "-t", "get", "-c", "50", "-n", work, "-P", pipeline,
                    "--csv"], 300)
        found = re.search(r'"GET","([0-9.]+)"', done.stdout)
        if not found:
            raise Skipped(f"redis-benchmark said no figure: {done.stderr[-200:]}")
        return work, float(found.group(1))


class Nginx(Server):
    def command(self):
        page = os.path.join(self.directory, "page")
        os.makedirs(page, exist_ok=True)
        with open(os.path.join(page, "index.html"), "w", encoding="ascii") as file:
            file.write("x" * 1024)
        for path in (page, self.directory):
            os.chmod(path, 0o755)
        config = os.path.join(self.directory, "nginx.conf")
        user = f"user {pwd.getpwuid(os.geteuid()).pw_name};" if os.geteuid() == 0 else ""
        paths = " ".join(f"{kind}_temp_path {self.directory}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(config, "w", encoding="ascii") as file:
            file.write(f"daemon off; master_process off; worker_processes 1; pid {self.directory}/pid; "
                       f"error_log /dev/null; {user} events {{ worker_connections 1024; }} http {{ {paths} "
                       f"access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:{self.port}; "
                       f"root {page}; }} }}\n")
        return [tool("nginx"), "-c", config, "-p", self.directory]


def wrk(port, seconds, *more):
    done = run([tool("wrk"), "-t1", "-c32", f"-d{seconds}s", *more, f"http://127.0.0.1:{port}/"], seconds + 60)
    requests = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s*([0-9.]+)", done.stdout)
    if not requests or not rate or int(requests.group(1)) == 0:
        raise Skipped(f"wrk got no answers: {(done.stdout + done.stderr)[-200:]}")
    return int(requests.group(1)), float(rate.group(1))


class JavaHttp(SaysPort):
    def command(self):
        java = tool("java")
        classes = os.path.join(self.directory, "classes")
        done = run([tool("javac"), "-d", classes, os.path.join(PROGRAMS, "Http.java")], 120)
        if done.returncode != 0:
            raise Skipped(f"javac failed: {done.stderr[-200:]}")
        return [java, "-Xmx256m", "-XX:+UseSerialGC", "-cp", classes, "Http"]

    def __enter__(self):
        super().__enter__()
        wrk(self.port, 3)  # until the compilers are done with it
        return self


class AsyncioEcho(SaysPort):
    def command(self):
        return [sys.executable, os.path.join(PROGRAMS, "echo.py")]

    def load(self, seconds):
        done = run([self.build.bench("crowd"), "ping", self.port, 20, seconds], seconds + 60)
        found = re.match(r"answers (\d+)", done.stdout)
        if not found:
            raise Skipped(f"no answers: {done.stderr[-200:]}")
        return int(found.group(1)), int(found.group(1)) / seconds


class Postgres(Server):
    """A cluster of its own, under a user of its own: postgres refuses to run as root."""

    patience = 120

    def as_user(self):
        if os.geteuid() != 0:
            return []
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            raise Skipped("no user postgres, and root may not run a cluster") from None
        return [tool("setpriv"), "--reuid=postgres", "--regid=postgres", "--clear-groups"]

    def program(self, name):
        base = "/usr/lib/postgresql"
        versions = sorted(os.listdir(base), key=int) if os.path.isdir(base) else []
        path = os.path.join(base, versions[-1], "bin", name) if versions else ""
        return path if os.path.exists(path) else tool(name)

    def command(self):
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres") if self.as_user() else None
            os.makedirs(os.path.join(self.directory, "recordings"), mode=0o700, exist_ok=True)
            for path in (self.directory, os.path.join(self.directory, "recordings")):
                os.chown(path, user.pw_uid, user.pw_gid)
        data = os.path.join(self.directory, "data")
        done = run([*self.as_user(), self.program("initdb"), "-D", data, "-A", "trust", "-N", "-U", "bench"], 120,
                   cwd=self.directory)
        if done.returncode != 0:
            raise Skipped(f"initdb failed: {done.stderr[-200:]}")
        return [*self.as_user(), self.program("postgres"), "-D", data, "-p", self.port, "-k", self.directory,
                "-h", "127.0.0.1", "-c", "fsync=off"]

    def __enter__(self):
        super().__enter__()
        wait_until(lambda: self.client("-i", "-q", "-s", "1").returncode == 0, 60, "pgbench -i")
        return self

    def client(self, *arguments):
        return run([tool("pgbench"), "-h", "127.0.0.1", "-p", self.port, "-U", "bench", *arguments, "postgres"], 300,
                   env=clean_environment(PGCONNECT_TIMEOUT="10"))

    def load(self, seconds):
        done = self.client("-S", "-n", "-c", "2", "-j", "1", "-M", "prepared", "-T", str(seconds))
        count = re.search(r"transactions actually processed: (\d+)", done.stdout)
        rate = re.search(r"tps = ([0-9.]+)", done.stdout)
        if not count or not rate:
            raise Skipped(f"pgbench said no figure: {done.stderr[-200:]}")
        return int(count.group(1)), float(rate.group(1))

    def __exit__(self, *_):
        super().__exit__()
        shutil.rmtree(os.path.join(self.directory, "data"), ignore_errors=True)
