"""What both measuring scripts need: the build to measure, and the machine it was measured on."""

import os
import platform
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RELEASE = os.path.join(ROOT, "build", "release")


def existing_file(path):
    if not os.path.isfile(path):
        sys.exit(f"{path} is missing: build it with `cmake --preset release && cmake --build --preset release`")
    return os.path.abspath(path)


def add_build_arguments(parser, program):
    parser.add_argument(f"--{program.replace('_', '-')}", type=existing_file,
                        default=os.path.join(RELEASE, "bench", program))
    parser.add_argument("--library", type=existing_file,
                        default=os.path.join(RELEASE, "preload", "libsocktrack.so"))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^(?:model name|CPU part)\s*:\s*(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def compiler(library):
    comment = subprocess.run(["readelf", "-p", ".comment", library], capture_output=True, text=True, check=False)
    found = re.search(r"GCC: .*|.*clang.*", comment.stdout)
    return found.group(0).strip() if found else "unknown"


def machine(library):
    return {
        "processor": f"{processor()}, {os.cpu_count()} visible",
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "compiler": compiler(library),
    }
