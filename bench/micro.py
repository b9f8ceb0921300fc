"""One call at a time: CPU time and instructions by hook class, start-up, fork, memory per connection."""

import json
import os

import instructions
from common import Section, Skipped, clean_environment, interleaved, median, preloaded, progress, run, scratch, spread


def environment_of(kind, build, directory):
    if kind in ("bare", "control"):
        return clean_environment()
    if kind == "one_frame":
        return clean_environment(LD_PRELOAD=build.bench("libone_frame.so"))
    more = {"SOCKTRACK_WATCHER": "off"} if kind == "hooks" else {}
    return preloaded(build.library, directory, **more)


KINDS = ["bare", "preloaded", "hooks", "one_frame", "control"]


def calls(build, options):
    """CPU nanoseconds of the calling thread per call: waiting for a busy machine is not in them."""
    rounds, seconds = (3, 0.005) if options.quick else (9, 0.02)
    section = Section("calls", f"CPU nanoseconds per call, medians of {rounds} interleaved rounds",
                      ["call", "bare", "preloaded", "added", "hooks_added", "hooks_half", "one_frame", "control_ns"])

    def times(kind):
        done = run([build.bench("hooks_bench"), "--benchmark_format=json", f"--benchmark_min_time={seconds}",
                    f"--benchmark_filter={options.filter}"], 300, env=environment_of(kind, build, directory))
        if done.returncode != 0:
            raise Skipped(f"hooks_bench ({kind}) failed with status {done.returncode}: {done.stderr[-300:]}")
        return {row["name"]: row["cpu_time"] for row in json.loads(done.stdout)["benchmarks"]}

    with scratch() as directory:
        results = interleaved(KINDS, rounds, times)
    if not results[0]["bare"]:
        raise Skipped("the filter leaves no call")
    for name in results[0]["bare"]:
        add_call(section, name, [{kind: r[kind][name] for kind in KINDS} for r in results])
    if {"accept_close", "accept_end_close"} <= set(results[0]["bare"]):
        add_call(section, "sighting", [{kind: r[kind]["accept_end_close"] - r[kind]["accept_close"] for kind in KINDS}
                                       for r in results])
    section.note("hooks_added: with the watcher off. The watcher's thread makes this program one with threads, and "
                 "the kernel then counts references on each use of a descriptor (docs/decisions/0003).")
    section.note("one_frame: added by a library that stands in between and does nothing (bench/naive/one_frame.c), "
                 "the floor; it knows transfers only.")
    section.note("control_ns: bare minus bare; differences smaller than that say nothing.")
    section.note("sighting: accept_end_close minus accept_close, so one recv at the end of the stream.")
    return section


def add_call(section, name, rounds):
    """Each round against the mean of its two bare runs, so that a drift of the machine cancels."""
    base = [(r["bare"] + r["control"]) / 2 for r in rounds]
    added = {kind: [r[kind] - b for r, b in zip(rounds, base, strict=True)] for kind in KINDS}
    low, high = spread(added["hooks"])
    section.add(name, median(r["bare"] for r in rounds), median(r["preloaded"] for r in rounds),
                median(added["preloaded"]), median(added["hooks"]), f"{low:.0f}..{high:.0f}", median(added["one_frame"]),
                median(abs(r["control"] - r["bare"]) for r in rounds))


def stacks(build, options):
    section = Section("stacks", "Taking the stack of a call: nanoseconds", ["way", "frames", "ns"])
    done = run([build.bench("stacks"), "--benchmark_format=json",
                f"--benchmark_min_time={0.05 if options.quick else 0.3}"], 120)
    if done.returncode != 0:
        raise Skipped(f"stacks failed with status {done.returncode}: {done.stderr[-300:]}")
    for row in json.loads(done.stdout)["benchmarks"]:
        section.add(row["name"].replace("/", ", deeper by "), int(row["frames"]), row["cpu_time"])
    return section


def counted(build, options):
    section = Section("instructions", "Instructions per call, user mode, by callgrind (watcher off)",
                      ["call", "bare", "preloaded", "added"])
    workloads = (instructions.GUARDED if options.quick else instructions.ALL) + [instructions.START]
    for name in workloads:
        progress(name)
        try:
            bare, with_library = instructions.compare(build.bench("calls"), name, build.library)
            section.add(name, bare, with_library, with_library - bare)
        except Skipped as reason:
            section.skip(name, reason)
            break
    return section


def spawned(command, env):
    done = run(command, 300, env=env)
    if done.returncode != 0:
        raise Skipped(f"{' '.join(command[:2])} failed: {done.stderr[-200:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def start_up(build, options):
    rounds = 300 if options.quick else 2000
    section = Section("start", f"Start-up of a program that opens no socket: /bin/true, {rounds} starts of each in turns",
                      ["way", "median_us", "quarter_us", "least_us", "added_us", "added_cpu_us", "page_faults"])
    rows = spawned([build.bench("spawn"), "start", rounds, "/bin/true", build.bench("libempty.so"), build.library],
                   clean_environment())
    for row in rows:
        way = os.path.basename(row["what"])
        section.add(way, row["median_us"], row["quarter_us"], row["least_us"],
                    row["median_us"] - rows[0]["median_us"], row["cpu_us"] - rows[0]["cpu_us"], row["page_faults"])
    section.note("libempty.so: a library with nothing in it, what LD_PRELOAD itself costs. control: bare once more.")
    return section


def forks(build, options):
    rounds, each = (5, 100) if options.quick else (11, 300)
    section = Section("fork", f"fork, _exit and wait, medians of {rounds} interleaved rounds of {each}",
                      ["sockets", "bare_us", "preloaded_us", "added_us", "control"])
    for sockets in (0, 10, 1000):
        def once(kind, sockets=sockets):
            return spawned([build.bench("spawn"), "fork", each, sockets],
                           environment_of(kind, build, directory))[0]["median_us"]
        with scratch() as directory:
            results = interleaved(["bare", "preloaded", "control"], rounds, once)
        section.add(sockets, median(r["bare"] for r in results), median(r["preloaded"] for r in results),
                    median(r["preloaded"] - r["bare"] for r in results),
                    median(r["control"] / r["bare"] for r in results))
    section.note("with sockets the child gets a recording of its own, at once if it is root: it may be about to drop that.")
    return section


SECTIONS = {"calls": calls, "stacks": stacks, "instructions": counted, "start": start_up, "fork": forks}
