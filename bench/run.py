#!/usr/bin/env python3
"""Measures what socktrack costs and prints the whole table; scripts/bench builds first.

Sections can be named; without names all are measured. Every load is bounded in time. What a tool cannot do on
this machine is said in the table."""

import argparse
import json
import os
import sys
import time

sys.dont_write_bytecode = True  # no __pycache__ in the checkout
import memory
import micro
import peers
import programs
import promises
import scale
from common import Build, RELEASE, Section, Skipped, machine, progress

SECTIONS = {**micro.SECTIONS, **memory.SECTIONS, **programs.SECTIONS, **peers.SECTIONS, **scale.SECTIONS}


def parse():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--quick", action="store_true", help="a few minutes, less to be trusted")
    parser.add_argument("--build", default=RELEASE, metavar="DIR", help="build directory to measure")
    parser.add_argument("--output", default=None, metavar="DIR",
                        help="where bench.txt, bench.json and growth.svg go (default: bench/ of the build directory)")
    parser.add_argument("--rounds", type=int, default=0, help="interleaved rounds of whole programs")
    parser.add_argument("--filter", default=".", metavar="REGEX", help="of the section calls: which")
    parser.add_argument("--programs", action="append", metavar="NAME", help="of the section programs: which")
    options = parser.parse_args()
    unknown = [each for each in options.sections if each not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return options


def measured(name, build, options):
    start = time.monotonic()
    try:
        section = SECTIONS[name](build, options)
    except (Skipped, OSError) as reason:
        section = Section(name, name, [])
        section.skip(name, reason)
    section.seconds = round(time.monotonic() - start, 1)
    progress("")
    return section


def main():
    options = parse()
    build = Build(options.build)
    output = options.output or os.path.join(build.directory, "bench")
    os.makedirs(output, exist_ok=True)
    facts = machine(build.library)
    facts["mode"] = "quick" if options.quick else "full"
    text = "\n".join(f"{key}: {value}" for key, value in facts.items()) + "\n"
    print(text, flush=True)
    document = {"schema": "socktrack.bench/1", "machine": facts, "sections": {}}
    for name in options.sections or SECTIONS:
        section = measured(name, build, options)
        print(section.text(), flush=True)
        text += "\n" + section.text()
        document["sections"][name] = {**section.document(), "seconds": section.seconds}
        if getattr(section, "plot", None):
            with open(os.path.join(output, "growth.svg"), "w", encoding="utf-8") as file:
                file.write(scale.plotted(section.plot))
    kept = promises.table(document["sections"])
    if kept.rows:
        text += "\n" + kept.text()
        print(kept.text(), flush=True)
    document["promises"] = kept.rows
    for name, content in (("bench.txt", text), ("bench.json", json.dumps(document, indent=2) + "\n")):
        with open(os.path.join(output, name), "w", encoding="utf-8") as file:
            file.write(content)
    print(f"written: {os.path.join(output, 'bench.txt')}, bench.json")
    return 0


sys.exit(main())
