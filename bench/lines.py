#!/usr/bin/env python3
"""What the lines of Java, Python (asyncio too) and PHP cost, with the library and without, in turn: the time of the call that tells
the end of a connection, when its lines are read for the first time and later. A stack is taken once a connection,
not once a read. The first TCP socket of a process costs more: the recording is made, the watcher started, the runtime
found out.

    bench/lines.py [--build build/release] [--connections 2000] [--rounds 5] [RUNTIME...]
"""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
RUNTIMES = {
    "python": (["/usr/bin/python3"], "eof.py"),
    "asyncio": (["/usr/bin/python3"], "eof_asyncio.py"),
    "php": (["php"], "eof.php"),
    "java": (["java"], "Eof.java"),
}


def times(command, library, connections):
    """Microseconds of the first socket, the first end, and the median of the later half of the ends."""
    with tempfile.TemporaryDirectory() as output:
        preload = ["env", f"LD_PRELOAD={library}", f"SOCKTRACK_OUTPUT={output}"] if library else []
        ran = subprocess.run([*preload, *command, str(connections)], capture_output=True, text=True, check=True)
    took = [int(line) / 1000 for line in ran.stdout.split()]
    return took[0], took[1], statistics.median(took[len(took) // 2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build/release")
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help=f"of {', '.join(RUNTIMES)}; all if none is named")
    options = parser.parse_args()
    if unknown := set(options.runtimes) - RUNTIMES.keys():
        parser.error(f"no such runtime: {', '.join(sorted(unknown))}")
    library = options.build.resolve() / "preload/libsocktrack.so"
    print("microseconds: promised are at most 100 more for the first end and 30 more for later ones")
    print(f"{'':8}{'first socket':>27}{'first end':>27}{'later ends':>27}")
    print(f"{'':8}" + f"{'bare':>9}{'with':>9}{'added':>9}" * 3)
    for name in options.runtimes or RUNTIMES:
        interpreter, program = RUNTIMES[name]
        if shutil.which(interpreter[0]) is None:
            print(f"{name:8}not installed")
            continue
        command = [*interpreter, str(HERE / "lines" / program)]
        rounds = [(times(command, None, options.connections), times(command, library, options.connections))
                  for _ in range(options.rounds)]
        row = ""
        for place in range(3):
            bare = statistics.median(each[0][place] for each in rounds)
            tracked = statistics.median(each[1][place] for each in rounds)
            row += f"{bare:9.1f}{tracked:9.1f}{tracked - bare:9.1f}"
        print(f"{name:8}{row}")


if __name__ == "__main__":
    main()
