"""Many connections, many processes, and new ones as fast as loopback gives them."""

import concurrent.futures
import contextlib
import glob
import json
import math
import os
import time

from common import Section, Skipped, clean_environment, preloaded, run, scratch, tree_cpu
from memory import Crowd, Held, glance, most_descriptors, recording_of, resident_bytes

GRACE = 2  # seconds; reports cannot come earlier


def environment(build, directory):
    return preloaded(build.library, directory, SOCKTRACK_GRACE=f"{GRACE}s", SOCKTRACK_INTERVAL="1s")


def watcher_seconds(pid):
    """CPU seconds of the prober thread in a process."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8") as file:
                if file.read().strip() != "socktrack":
                    continue
            with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                return int(file.read().split()[0]) / 1e9
    raise Skipped("no watcher thread was found")


def sweep_cost(build, recording, pid, seconds):
    """CPU microseconds of the watcher per sweep, over some sweeps."""
    before, cpu = glance(build, recording)["sweeps"], watcher_seconds(pid)
    time.sleep(seconds)
    sweeps = glance(build, recording)["sweeps"] - before
    if sweeps == 0:
        raise Skipped("the watcher did not sweep")
    return (watcher_seconds(pid) - cpu) / sweeps * 1e6


def reported(build, recording, count):
    """Seconds until so many sockets are accused; None if they never are."""
    seen = glance(build, recording, count, 60)
    return seen["waited_s"] if seen["accused"] >= count else None


def growth(build, options):
    section = Section("growth", "One look of the watcher at N idle connections of one process (interval 1 s)",
                      ["connections", "us_per_sweep", "ns_per_connection", "percent_of_core"])
    counts = [10, 100, 1000, 3000, 10_000, most_descriptors()]
    if options.quick:
        counts = [10, 1000, 5000]
    with scratch() as directory, Held(build, environment(build, directory)) as held:
        for count in counts:
            held.grow_to(count)
            time.sleep(1.5)  # the first look at each is dearer
            cost = sweep_cost(build, recording_of(directory), held.server.pid, 4 if options.quick else 8)
            section.add(count, cost, cost * 1000 / count, cost / 1e6 * 100)
    section.note(f"{most_descriptors()} is what the descriptor limit of this machine allows one process")
    section.plot = [(row["connections"], row["us_per_sweep"]) for row in section.rows]
    return section


def crowds(build, options):
    section = Section("crowds", f"Connections that die: until each is accused (grace {GRACE} s, interval 1 s)",
                      ["connections", "processes", "in_close_wait", "reported_s", "watcher_percent", "rss_mib"])
    sizes = [(2000, 2)] if options.quick else [(most_descriptors(), 1), (most_descriptors(), 10)]
    for each, processes in sizes:
        with contextlib.ExitStack() as stack:
            try:
                crowd_of(build, section, stack, each, processes)
            except (Skipped, OSError) as reason:
                section.skip(f"{each * processes} connections in {processes} processes", reason)
    section.note("reported_s: the slowest process; it includes the grace. watcher_percent: of one core, all watchers together.")
    return section


def crowd_of(build, section, stack, each, processes):
    held, directories = [], []
    for _ in range(processes):
        directories.append(stack.enter_context(scratch()))
        held.append(stack.enter_context(Held(build, environment(build, directories[-1]))))
        held[-1].grow_to(each)
    recordings = [recording_of(directory) for directory in directories]
    time.sleep(2)
    told = 0
    for dead in (0, 10, each // 2):
        if dead:
            for one in held:
                one.end_connections(dead)
                one.clients.tell("leave", dead - told)
            told = dead
            with concurrent.futures.ThreadPoolExecutor(processes) as pool:
                waits = list(pool.map(lambda r, n=dead: reported(build, r, n), recordings))
        cpu = [watcher_seconds(one.server.pid) for one in held]
        time.sleep(4)
        percent = sum(watcher_seconds(o.server.pid) - c for o, c in zip(held, cpu, strict=True)) / 4 * 100
        slowest = None if not dead or None in waits else max(waits)
        section.add(each * processes, processes, dead * processes, slowest, percent,
                    max(resident_bytes(one.server.pid) for one in held) / 2**20)


def churn(build, options):
    seconds = 5 if options.quick else 60
    section = Section("churn", f"New connections as fast as loopback gives them, for {seconds} s",
                      ["way", "per_second", "us_per_connection", "connected", "recorded", "closed", "dropped", "sites",
                       "recording_kib"])
    for kind in ("bare", "preloaded"):
        with scratch() as directory:
            env = environment(build, directory) if kind == "preloaded" else clean_environment()
            with Crowd(build, "accept", env=env) as server, \
                    Crowd(build, "churn", server.hear("port"), seconds) as clients:
                connected = clients.hear("connected")
                time.sleep(0.5)
                cpu = tree_cpu(server.pid)
                seen = glance(build, recording_of(directory)) if kind == "preloaded" else {}
                section.add(kind, connected / seconds, cpu / connected * 1e6, connected, seen.get("opened"),
                            seen.get("closed"), seen.get("dropped"), seen.get("sites"),
                            seen["bytes_on_disk"] // 1024 if seen else None)
    section.note("recorded counts the listener, too. dropped: what found no room in the recording.")
    return section


def prefork(build, options):
    children = 100 if options.quick else 1000
    section = Section("prefork", f"A pre-forked server of {children} processes, one leaked connection each",
                      ["processes", "recordings", "leaked", "all_accused_s", "report_s", "report_cpu_s", "recordings_mib"])
    with scratch() as directory, Crowd(build, "prefork", children, env=environment(build, directory)) as server, \
            Crowd(build, "connect", server.hear("port")) as clients:
        clients.ask("more", children, "open")
        clients.ask("leave", children, "open")
        start = time.monotonic()
        leaked, began = 0, 0.0
        while leaked < children and time.monotonic() - start < 90:
            time.sleep(0.5)
            began, before = time.monotonic(), os.times()
            done = run([build.command, "report", directory, "--json"], 120)
            took = time.monotonic() - began
            after = os.times()
            leaked = sum(g["count"] for p in json.loads(done.stdout)["processes"] for g in p["groups"])
        recordings = glob.glob(os.path.join(directory, "*.socktrack"))
        section.add(children + 1, len(recordings), leaked, began - start, took,
                    after.children_user + after.children_system - before.children_user - before.children_system,
                    sum(os.stat(each).st_blocks * 512 for each in recordings) / 2**20)
        server.end_of_input()
        server.process.wait(timeout=60)
    return section


def plotted(points, width=640, height=400):
    """The growth curve as SVG, both axes logarithmic."""
    left, bottom = 70, 50
    xs, ys = ([math.log10(max(p[i], 1)) for p in points] for i in (0, 1))
    x_end, y_end = math.ceil(max(xs)), math.ceil(max(ys))

    def x_of(value):
        return left + value / x_end * (width - left - 20)

    def y_of(value):
        return height - bottom - value / y_end * (height - bottom - 20)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="white"/>']
    for power in range(x_end + 1):
        parts.append(f'<line x1="{x_of(power):.1f}" y1="20" x2="{x_of(power):.1f}" y2="{height - bottom}" stroke="#ddd"/>'
                     f'<text x="{x_of(power):.1f}" y="{height - bottom + 18}" text-anchor="middle">{10**power}</text>')
    for power in range(y_end + 1):
        parts.append(f'<line x1="{left}" y1="{y_of(power):.1f}" x2="{width - 20}" y2="{y_of(power):.1f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{y_of(power) + 4:.1f}" text-anchor="end">{10**power}</text>')
    path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in zip(xs, ys, strict=True))
    parts.append(f'<polyline points="{path}" fill="none" stroke="#06c" stroke-width="2"/>')
    parts += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="#06c"/>' for x, y in zip(xs, ys, strict=True)]
    parts.append(f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">idle connections</text>'
                 f'<text x="16" y="{height / 2}" text-anchor="middle" transform="rotate(-90 16 {height / 2})">'
                 "CPU microseconds per sweep</text></svg>")
    return "\n".join(parts) + "\n"


SECTIONS = {"growth": growth, "crowds": crowds, "churn": churn, "prefork": prefork}
