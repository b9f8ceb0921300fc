#!/usr/bin/env python3
"""How long `socktrack scan` takes with many sockets in CLOSE_WAIT. Promise: 20 000 in under half a second.

    bench/scan.py [--sockets N] [--build DIR] [--rounds N]     exit status 1 if the promise is broken
"""
import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

PROMISE_S = 0.5


def hold(count):
    """Accepts `count` connections whose peer closes at once, reads each to its end, and keeps it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    kept = []
    for _ in range(count):
        client = socket.create_connection(listener.getsockname())
        kept.append(listener.accept()[0])
        client.close()
        kept[-1].recv(1)
    print("ready", flush=True)
    sys.stdin.read()


def shares(count):
    """How many sockets each of as few processes as possible keeps."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    processes = -(-count // (hard - 100)) if hard != resource.RLIM_INFINITY else 1
    return [count // processes + (1 if i < count % processes else 0) for i in range(processes)]


def holder_of(count):
    holder = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--hold", "--sockets", str(count)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if holder.stdout.readline() != b"ready\n":
        sys.exit("scan: the program that keeps the sockets did not get there")
    return holder


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sockets", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=7)
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--build", default=os.path.join(top, "build", "release"))
    parser.add_argument("--hold", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.hold:
        return hold(asked.sockets)
    holders = []
    try:
        holders += [holder_of(share) for share in shares(asked.sockets)]
        command = [os.path.join(asked.build, "cli", "socktrack"), "scan", "--json", "--grace", "0"]
        command += [str(each.pid) for each in holders]
        rounds = [timed(command) for _ in range(asked.rounds)]
    finally:
        for each in holders:
            each.communicate()
    found = sum(process["dead"] for process in json.loads(rounds[-1][2])["processes"])
    wall = statistics.median(wall for wall, _, _ in rounds)
    cpu = statistics.median(cpu for _, cpu, _ in rounds)
    complete = found == asked.sockets
    verdict = "kept" if complete and wall < PROMISE_S else "BROKEN"
    if complete and verdict == "BROKEN" and cpu < PROMISE_S:
        verdict = "not resolved: the machine had other things to do"
    print(f"scan of {found} of {asked.sockets} sockets in CLOSE_WAIT: {wall:.3f} s, of that {cpu:.3f} s processor "
          f"(median of {asked.rounds}); promise < {PROMISE_S} s: {verdict}")
    return 1 if verdict == "BROKEN" else 0


if __name__ == "__main__":
    sys.exit(main())
