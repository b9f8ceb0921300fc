#!/usr/bin/env python3
"""Measures what socktrack costs and prints the whole table; scripts/bench builds first.

Sections can be named; without names all are measured. What was measured before of the same build, in the same mode,
stays in the files beside the sections that are measured again. Every load is bounded in time. What a tool cannot
do on this machine is said in the table."""

import argparse
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # no __pycache__ in the checkout
import memory
import micro
import peers
import programs
import promises
import scale
from common import Build, RELEASE, Section, Skipped, machine, now, progress

SECTIONS = {**micro.SECTIONS, **memory.SECTIONS, **programs.SECTIONS, **peers.SECTIONS, **scale.SECTIONS}


def parse():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="a few minutes, less to be trusted")
    parser.add_argument("--build", default=RELEASE, metavar="DIR", help="build directory to measure")
    parser.add_argument("--output", default=None, metavar="DIR",
                        help="where bench.txt, bench.json and growth.svg go (default: bench/ of the build directory)")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of whole programs")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="of the section calls: which")
    parser.add_argument("--programs", action="append", metavar="NAME", help="of the section programs: which")
    options = parser.parse_args()
    unknown = [each for each in options.sections if each not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return options


def measured(name, build, options):
    start = time.monotonic()
    load = os.getloadavg()[0]
    try:
        section = SECTIONS[name](build, options)
    except (Skipped, OSError, subprocess.SubprocessError) as reason:
        section = Section(name, name, [])
        section.skip(name, reason)
    progress("")
    section.measured = {"at": now(), "seconds": round(time.monotonic() - start, 1), "load_before": round(load, 1)}
    return section


def earlier(path, facts):
    """The sections of an earlier run that belong beside those of this one."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return {}
    same = all(document.get("machine", {}).get(key) == facts[key] for key in ("library", "mode", "processor", "kernel"))
    return document["sections"] if same else {}


def written(output, document):
    """Both files, after each section: a run that is cut short leaves what it had."""
    kept = promises.table(document["sections"])
    document["promises"] = kept.rows
    ordered = [document["sections"][name] for name in SECTIONS if name in document["sections"]]
    text = "\n".join([f"{key}: {value}" for key, value in document["machine"].items()] + [""])
    text += "".join("\n" + each["text"] for each in ordered) + "\n" + kept.text()
    for name, body in (("bench.txt", text), ("bench.json", json.dumps(document, indent=2) + "\n")):
        with open(os.path.join(output, name), "w", encoding="utf-8") as file:
            file.write(body)
    return kept


def main():
    options = parse()
    build = Build(options.build)
    output = options.output or os.path.join(build.directory, "bench")
    os.makedirs(output, exist_ok=True)
    facts = machine(build.library)
    facts["mode"] = "quick" if options.quick else "full"
    print("\n".join(f"{key}: {value}" for key, value in facts.items()) + "\n", flush=True)
    document = {"schema": "socktrack.bench/1", "machine": facts,
                "sections": earlier(os.path.join(output, "bench.json"), facts)}
    names = options.sections or list(SECTIONS)
    started = time.monotonic()
    for number, name in enumerate(names):
        print(f"[{number + 1}/{len(names)}] {name}, {time.monotonic() - started:.0f} s so far", file=sys.stderr, flush=True)
        section = measured(name, build, options)
        print(section.text(), flush=True)
        document["sections"][name] = {**section.document(), "text": section.text()}
        if getattr(section, "plot", None):
            with open(os.path.join(output, "growth.svg"), "w", encoding="utf-8") as file:
                file.write(scale.plotted(section.plot))
        kept = written(output, document)
    print(kept.text() if kept.rows else "", flush=True)
    print(f"written: {os.path.join(output, 'bench.txt')}, bench.json; {time.monotonic() - started:.0f} s")
    return 0


sys.exit(main())
