"""One call at a time: CPU time and instructions by hook class, start-up, fork, memory per connection."""

import json
import os

import instructions
from common import Section, Skipped, clean_environment, interleaved, median, preloaded, run, scratch, spread

TRANSFERS = "1_byte|16_kib"


def environment_of(kind, build, directory):
    if kind in ("bare", "control"):
        return clean_environment()
    more = {"SOCKTRACK_WATCHER": "off"} if kind == "hooks" else {}
    return preloaded(build.library, directory, **more)


def calls(build, options):
    """CPU nanoseconds of the calling thread per call: waiting for a busy machine is not in them."""
    rounds = 5 if options.quick else 15
    section = Section("calls", f"CPU nanoseconds per call, medians of {rounds} interleaved rounds",
                      ["call", "bare", "preloaded", "added", "hooks_added", "hooks_spread", "ratio", "control"])
    seconds = 0.01 if options.quick else 0.05

    def times(kind):
        done = run([build.bench("hooks_bench"), "--benchmark_format=json", f"--benchmark_min_time={seconds}",
                    f"--benchmark_filter={options.filter}"], 300, env=environment_of(kind, build, directory))
        if done.returncode != 0:
            raise Skipped(f"hooks_bench ({kind}) failed with status {done.returncode}: {done.stderr[-300:]}")
        return {row["name"]: row["cpu_time"] for row in json.loads(done.stdout)["benchmarks"]}

    with scratch() as directory:
        results = interleaved(["bare", "preloaded", "hooks", "control"], rounds, times)
    for name in results[0]["bare"]:
        base = [(r["bare"][name] + r["control"][name]) / 2 for r in results]
        with_hooks = [r["hooks"][name] - b for r, b in zip(results, base, strict=True)]
        low, high = spread(with_hooks)
        section.add(name, median(r["bare"][name] for r in results), median(r["preloaded"][name] for r in results),
                    median(r["preloaded"][name] - b for r, b in zip(results, base, strict=True)),
                    median(with_hooks), f"{low:.0f}..{high:.0f}",
                    median(r["preloaded"][name] / b for r, b in zip(results, base, strict=True)),
                    median(r["control"][name] / r["bare"][name] for r in results))
    section.note("hooks_added: with the watcher off. The watcher's thread makes this program one with threads, and "
                 "the kernel then counts references on each use of a descriptor (docs/decisions/0003).")
    section.note("control: a second bare run against the first; as far as it is from 1, so far trust the rest.")
    section.note("accept_end_close minus accept_close: one recv at the end of the stream, and its sighting.")
    return section


def counted(build, options):
    section = Section("instructions", "Instructions per call, user mode, by callgrind (watcher off)",
                      ["call", "bare", "preloaded", "added"])
    workloads = instructions.GUARDED if options.quick else instructions.ALL
    for name in workloads:
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
                      ["way", "median_us", "quarter_us", "least_us", "added_us"])
    rows = spawned([build.bench("spawn"), "start", rounds, "/bin/true", build.bench("libempty.so"), build.library],
                   clean_environment())
    for row in rows:
        way = os.path.basename(row["what"])
        section.add(way, row["median_us"], row["quarter_us"], row["least_us"],
                    row["median_us"] - rows[0]["median_us"])
    section.note("libempty.so: a library with nothing in it, what LD_PRELOAD itself costs.")
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


SECTIONS = {"calls": calls, "instructions": counted, "start": start_up, "fork": forks}
