#!/usr/bin/env python3
"""Proof that the mitigation ladder does not break the service it is turned on in.

race      threads open, transfer and close; beside them leaks are closed without pause by the ladder
narrow    a server that leaks every connection under a limit of 256 descriptors, with the ladder and without
waits     clients that finish their question and are answered after 30 s, beside leaks, on every rung with --after 0
servers   Python, Node, Java and nginx, each with an app that leaks, under load: with park, then with close

Every answer is checked. Exit 1 if one was wrong, late or missing; 77 if nothing could be run. --short is the
variant of the test suite; figures of the full one are in docs/mitigation.md."""

import argparse
import concurrent.futures
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # no __pycache__ in the checkout
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from common import RELEASE, Build, Skipped, clean_environment, preloaded, run, scratch, tool

AT_ONCE = {"SOCKTRACK_GRACE": "0", "SOCKTRACK_INTERVAL": "100ms"}
PATIENCE = 60


class Broken(Exception):
    """What must never happen."""


def expect(good, what):
    if not good:
        raise Broken(what)


class Program:
    """A program with the library in front of it, and the orders it is given while it runs."""

    def __init__(self, build, directory, command, **more):
        self.build, self.directory = build, directory
        self.process = subprocess.Popen([str(c) for c in command], env=preloaded(build.library, directory, **AT_ONCE, **more),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def line(self):
        return self.process.stdout.readline().strip()

    def groups(self):
        told = run([self.build.command, "report", self.directory, "--json"], PATIENCE)
        report = json.loads(told.stdout) if told.returncode == 0 and told.stdout else {"processes": []}
        return [g for p in report["processes"] if p["pid"] == self.process.pid for g in p["groups"]]

    def leaks(self):
        return [g for g in self.groups() if g["verdict"] == "eof_not_closed"]

    def fingerprints(self):
        limit = time.monotonic() + PATIENCE
        while not self.leaks():
            expect(time.monotonic() < limit, "no leak was found")
            time.sleep(0.1)
        return ",".join(sorted({g["fingerprint"] for g in self.leaks()}))

    def mitigate(self, rung, fingerprints):
        told = run([self.build.command, "mitigate", self.process.pid, rung, "--allow", fingerprints, "--after", "0",
                    "--rate", "100000/s"], PATIENCE)
        expect(told.returncode == 0, told.stderr)

    def acted(self, rung):
        return sum((g["mitigation"] or {"acted": {}})["acted"].get(rung, 0) for g in self.groups())

    def off_ladder(self):
        return [g["mitigation"]["used_by"] for g in self.groups() if g["mitigation"] and g["mitigation"]["off_ladder"]]


def race(build, short):
    rounds, threads = (4_000, 4) if short else (1_000_000, 16)
    with scratch() as directory, Program(
            build, directory, [build.file("tests", "programs", "reuse_race"), rounds, threads]) as program:
        program.line()
        program.mitigate("close", program.fingerprints())
        start = time.monotonic()
        out, _ = program.process.communicate("go\n", timeout=7200)
        expect(program.process.returncode == 0 and "done" in out, f"the race ended with {program.process.returncode}: {out}")
        ended = int(out.split()[0])
        expect(ended > 0, "the ladder closed nothing meanwhile")
        return f"{rounds} rounds in {threads} threads, {ended} leaks closed beside them, {time.monotonic() - start:.0f} s"


def narrow_once(build, connections, with_ladder):
    server = build.file("tests", "programs", "narrow_server")
    if not with_ladder:
        return subprocess.run([server, "256", str(connections)], input="go\n", capture_output=True, text=True,
                              timeout=PATIENCE, check=False, env=clean_environment()).stdout
    with scratch() as directory:
        # What leaks is known from a first, short run, as it would be from a report: the fingerprint stays.
        with Program(build, directory, [server, 256, 10_000]) as first:
            first.line()
            first.process.stdin.write("go\n")
            first.process.wait()
            fingerprints = first.fingerprints()
        with Program(build, directory, [server, 256, connections], SOCKTRACK_MITIGATE="close",
                     SOCKTRACK_ALLOW=fingerprints, SOCKTRACK_MITIGATE_AFTER="0") as program:
            return program.process.communicate("go\n", timeout=7200)[0]


def narrow(build, short):
    connections = 1_000 if short else 100_000
    without = narrow_once(build, connections, False)
    expect("stopped after 2" in without, f"without the ladder: {without}")
    start = time.monotonic()
    with_ladder = narrow_once(build, connections, True)
    expect(f"served {connections}" in with_ladder, f"with the ladder: {with_ladder}")
    return (f"{connections} connections served under 256 descriptors in {time.monotonic() - start:.0f} s; "
            f"without: {without.splitlines()[1]}")


def ask_and_leave(port):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(b"leak")


def ask_and_wait(port, answers):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE * 2) as connection:
        connection.sendall(b"wait")
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(64):
            answer += part
        answers.append(answer)


def wait_on_one_rung(build, way, rung, seconds):
    server = [sys.executable, os.path.join(HERE, "patient.py"), way]
    with scratch() as directory, Program(build, directory, server) as program:
        port, answers, start = int(program.line()), [], time.monotonic()
        clients = [threading.Thread(target=ask_and_wait, args=[port, answers]) for _ in range(5)]
        for client in clients:
            client.start()
        for _ in range(5):
            ask_and_leave(port)
        # The waiting are accused, too: they look just like the others, and are allowed with them.
        limit = start + PATIENCE
        while sum(g["count"] for g in program.leaks()) < 5 + len(clients):
            expect(time.monotonic() < limit, f"not all were accused: {[g['count'] for g in program.leaks()]}")
            time.sleep(0.1)
        program.mitigate(rung, program.fingerprints())
        while program.acted(rung) < 5 or time.monotonic() < start + seconds:
            expect(time.monotonic() < limit, f"{way}, {rung}: {[g['mitigation'] for g in program.groups()]}")
            ask_and_leave(port)
            time.sleep(0.2)
        program.process.stdin.write("go\n")
        for client in clients:
            client.join()
        expect(answers == [b"late"] * len(clients), f"{way}, {rung}: {answers}")
        return program.acted(rung)


def waits(build, short):
    seconds = 0 if short else 30
    ways = [(way, rung) for way in ("threads", "loop") for rung in ("probe", "finish", "park", "close")]
    with concurrent.futures.ThreadPoolExecutor(2 if short else len(ways)) as pool:
        acted = list(pool.map(lambda each: wait_on_one_rung(build, *each, seconds), ways))
    return f"{len(ways) * 5} clients answered{f' after {seconds} s' if seconds else ''}, {sum(acted)} leaks acted on beside them"


class Backend:
    """Ends each connection at once, with a FIN; counts the resets it is answered with."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.resets = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            connection.shutdown(socket.SHUT_WR)
            threading.Thread(target=self.await_end, args=[connection], daemon=True).start()

    def await_end(self, connection):
        try:
            connection.recv(1)
        except ConnectionResetError:
            self.resets += 1
        connection.close()


class Load:
    """Clients that ask without pause and check each answer."""

    def __init__(self, port, clients=4):
        self.port, self.over, self.answers, self.wrong = port, False, 0, []
        self.threads = [threading.Thread(target=self.ask, args=[i]) for i in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()

    def ask(self, client):
        count = 0
        while not self.over:
            path = f"/{'leak' if count % 10 == 0 else 'fine'}-{client}-{count}"
            count += 1
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
                for each in (path, path.replace("leak", "fine")):
                    connection.request("GET", each)
                    answer = connection.getresponse()
                    text = answer.read().decode()
                    if answer.status != 200 or text != each:
                        self.wrong.append(f"{each}: {answer.status} {text[:80]}")
                    self.answers += 1
                connection.close()
            except OSError as error:
                self.wrong.append(f"{path}: {error}")
                time.sleep(0.1)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def python_server(_, backend):
    return [sys.executable, os.path.join(HERE, "leaky.py"), backend.port], None, {}


def node_server(_, backend):
    return [tool("node"), os.path.join(HERE, "leaky.js"), backend.port], None, {}


def java_server(directory, backend):
    java, javac = tool("java"), tool("javac")
    made = run([javac, "-d", directory, os.path.join(HERE, "Leaky.java")], 300)
    expect(made.returncode == 0, made.stderr)
    return [java, "-cp", directory, "Leaky", backend.port], None, {}


def nginx_server(directory, backend):
    nginx = tool("nginx")
    if not os.path.exists("/usr/lib/nginx/modules/ngx_http_perl_module.so"):
        raise Skipped("libnginx-mod-http-perl is not installed")
    port = free_port()
    with open(os.path.join(HERE, "nginx.conf.in"), encoding="utf-8") as file:
        text = file.read()
    for name, value in (("DIRECTORY", directory), ("HERE", HERE), ("PORT", str(port))):
        text = text.replace(f"@{name}@", value)
    with open(os.path.join(directory, "nginx.conf"), "w", encoding="utf-8") as file:
        file.write("env BACKEND_PORT;\n" + text)
    return [nginx, "-p", directory, "-c", os.path.join(directory, "nginx.conf")], port, {"BACKEND_PORT": str(backend.port)}


def await_port(port):
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            expect(time.monotonic() < limit, "the server does not listen")
            time.sleep(0.05)


def one_server(build, make, rung, seconds):
    backend = Backend()
    with scratch() as directory, scratch() as recordings:
        command, port, more = make(directory, backend)
        with Program(build, recordings, command, **more) as program:
            port = port or int(program.line())
            await_port(port)
            with Load(port) as load:
                program.mitigate(rung, program.fingerprints())
                limit = time.monotonic() + PATIENCE + seconds
                end = time.monotonic() + seconds
                while time.monotonic() < end or (program.acted(rung) == 0 and time.monotonic() < limit):
                    time.sleep(0.2)
                acted, off = program.acted(rung), program.off_ladder()
            expect(program.process.poll() is None, f"it ended with {program.process.returncode}")
            expect(not load.wrong, f"{len(load.wrong)} of {load.answers} answers: {load.wrong[:3]}")
            expect(acted > 0, f"the ladder did nothing: {[g['mitigation'] for g in program.groups()]}")
            expect(backend.resets == 0, f"{backend.resets} peers saw a reset")
            return f"{load.answers} right answers, {acted} sockets, no reset" + (f", off the ladder by {off}" if off else "")


def servers(build, short):
    seconds = 2 if short else 60
    told = []
    for make in (python_server, node_server, java_server, nginx_server):
        for rung in ("park", "close"):
            name = f"{make.__name__.split('_')[0]} {rung}"
            try:
                told.append(f"{name}: {one_server(build, make, rung, seconds)}")
            except Skipped as reason:
                told.append(f"{name}: skipped, {reason}")
            except Broken as what:
                raise Broken(f"{name}: {what}") from what
    return "\n           ".join(told)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=RELEASE, help="build directory (default build/release)")
    parser.add_argument("--short", action="store_true", help="seconds instead of minutes")
    parser.add_argument("proofs", nargs="*", metavar="race|narrow|waits|servers", help="which (default all)")
    arguments = parser.parse_args()
    build = Build(arguments.build)
    known = {"race": race, "narrow": narrow, "waits": waits, "servers": servers}
    broken = False
    for name in arguments.proofs or known:
        try:
            print(f"{name:<10} {known[name](build, arguments.short)}", flush=True)
        except Broken as what:
            print(f"{name:<10} BROKEN: {what}", flush=True)
            broken = True
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
