#!/usr/bin/env python3
"""Instructions that libsocktrack.so adds to one call, counted by callgrind.

Each workload runs with N and with M calls; the difference by M - N is the cost of one call, free of
start-up. User mode only. The counts do not depend on the machine's load: with --ceilings it is a test that
fails (exit 1) if a call adds more than the file allows, or nothing at all; exit 77 where valgrind is missing."""

import argparse
import json
import os
import re
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the checkout
from common import Build, Skipped, clean_environment, preloaded, run, scratch, tool

GUARDED = ["recv_tcp_1_byte", "send_tcp_1_byte", "recv_unix_1_byte", "send_unix_1_byte", "read_pipe_1_byte",
           "write_dev_null_1_byte", "close_no_socket", "accept_close"]
ALL = GUARDED + ["recv_tcp_16_kib", "send_tcp_16_kib", "readv_tcp_1_byte", "writev_tcp_1_byte",
                 "recvmsg_tcp_1_byte", "sendmsg_tcp_1_byte", "recv_would_block", "read_end_of_file", "poll_unix",
                 "epoll_wait_nothing", "fcntl_get_flags", "socket_close", "accept_end_close"]
START = "start of /bin/true"


def collected(command, library):
    """All instructions of one run."""
    with scratch() as directory:
        # The watcher's threads would add whatever they happen to do meanwhile.
        env = preloaded(library, directory, SOCKTRACK_WATCHER="off") if library else clean_environment()
        done = run([tool("valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null", *command], 600, env=env)
    # The library makes its file in a short-lived child: the figure is that of the process first named.
    found = re.search(r"==(\d+)== Command:.*?==\1== Collected : (\d+)", done.stderr, re.DOTALL)
    if done.returncode != 0 or not found:
        raise Skipped(f"{' '.join(map(str, command))} failed under callgrind: {done.stderr[-500:]}")
    return int(found.group(2))


def per_call(calls, workload, library):
    # Batches of 16 KiB are 4 calls, of 1 byte 128.
    few, many = (64, 320) if workload.endswith("16_kib") else (1280, 6400)
    less, more = (collected([calls, workload, n], library) for n in (few, many))
    return (more - less) / (many - few)


def compare(calls, workload, library):
    """(bare, preloaded) instructions of one call, or of one start."""
    if workload == START:
        return tuple(float(collected(["/bin/true"], each)) for each in (None, library))
    return per_call(calls, workload, None), per_call(calls, workload, library)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Build, default=None, help="build directory (default build/release)")
    parser.add_argument("--ceilings", metavar="FILE", help="JSON: the most a call may add; fail if one adds more")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    build = arguments.build or Build()
    ceilings = None
    if arguments.ceilings:
        with open(arguments.ceilings, encoding="utf-8") as file:
            ceilings = json.load(file)["added"]

    print(f"{'instructions per call':<24}{'bare':>12}{'preloaded':>12}{'added':>12}{'most' if ceilings else '':>10}")
    rows, failures = {}, []
    for workload in ceilings or ALL + [START]:
        bare, with_library = compare(build.bench("calls"), workload, build.library)
        added = with_library - bare
        rows[workload] = {"bare": bare, "preloaded": with_library, "added": added}
        most = ceilings[workload] if ceilings else ""
        print(f"{workload:<24}{bare:>12.1f}{with_library:>12.1f}{added:>12.1f}{most:>10}", flush=True)
        if ceilings and added > most:
            failures.append(f"{workload} gained {added:.1f} instructions, more than {most}")
        if ceilings and added < 1:
            failures.append(f"{workload} gained none: the library was not in front of it")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)
    for failure in failures:
        print(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Skipped as reason:
        print(f"skipped: {reason}")
        sys.exit(77 if "not installed" in str(reason) else 1)
