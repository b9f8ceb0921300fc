"""What all measuring scripts share: the build and the machine, programs run with and without the library,
interleaved rounds, and tables."""

import contextlib
import os
import platform
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RELEASE = os.path.join(ROOT, "build", "release")


class Build:
    """The build directory that is measured."""

    def __init__(self, directory=RELEASE):
        self.directory = os.path.abspath(directory)
        self.library = self.file("preload", "libsocktrack.so")
        self.command = self.file("cli", "socktrack")

    def file(self, *parts):
        path = os.path.join(self.directory, *parts)
        if not os.path.isfile(path):
            sys.exit(f"{path} is missing: build it with `cmake --preset release && cmake --build --preset release`")
        return path

    def bench(self, name):
        return self.file("bench", name)


class Skipped(Exception):
    """What cannot be measured here, and why."""


def tool(name, extra_path=""):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin" + extra_path)
    if not found:
        raise Skipped(f"{name} is not installed")
    return found


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SOCKTRACK_") and k != "LD_PRELOAD"}
    kept.update(more)
    return kept


def preloaded(library, directory, **more):
    """The environment of a program under the library; its recordings go to `directory`."""
    return clean_environment(LD_PRELOAD=library, SOCKTRACK_LOG="off", SOCKTRACK_OUTPUT=directory, **more)


def roomy_memory():
    """/dev/shm if there is room: recordings lie in a tmpfs (/run) where nothing else is asked for."""
    with contextlib.suppress(OSError):
        facts = os.statvfs("/dev/shm")
        if facts.f_bavail * facts.f_frsize > 2**31 and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return None


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="socktrack-bench-", dir=roomy_memory(), ignore_cleanup_errors=True) as directory:
        yield directory


def run(command, timeout, **options):
    """The finished process, its output as text. A load that does not end in time is a failed load."""
    options.setdefault("env", clean_environment())
    return subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False, **options)


def stop(process):
    """Ends a process we started and what it started (a tracer's program survives it), and waits for it."""
    if process.poll() is None:
        below = descendants(process.pid)[1:]
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):  # what was left in the buffer has no reader any more
                stream.close()


def wait_until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Skipped(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def descendants(pid):
    """`pid` and all processes below it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as file:
                children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left.extend(children.get(one, []))
    return found


TICK = 1 / os.sysconf("SC_CLK_TCK")


def process_cpu(pid):
    """CPU seconds of a process, threads that ended included, to the nanosecond; and of its dead children."""
    own = time.clock_gettime(((~pid) << 3) | 2)  # its CPU clock, as clock_getcpuclockid() has it
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    return own + (int(fields[13]) + int(fields[14])) * TICK


def tree_cpu(pid):
    total = 0.0
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            total += process_cpu(one)
    return total


def interleaved(kinds, rounds, measure):
    """[{kind: measure(kind)}] per round; in each the kinds come in an order of their own."""
    results = []
    for number in range(rounds):
        order = list(kinds)
        random.shuffle(order)
        results.append({kind: measure(kind) for kind in order})
        progress(f"round {number + 1} of {rounds}")
    return results


def progress(text):
    """What is going on, on one line of a terminal. Whole sections are told by run.py, everywhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def median(values):
    return statistics.median(list(values))


def spread(values):
    """The middle half: (lower, upper) quartile."""
    values = sorted(values)
    return values[len(values) // 4], values[-1 - len(values) // 4]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^(?:model name|CPU part)\s*:\s*(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def compiler(library):
    comment = run(["readelf", "-p", ".comment", library], 60)
    found = re.search(r"GCC: .*|.*clang.*", comment.stdout)
    return found.group(0).strip() if found else "unknown"


def revision():
    found = run(["git", "-C", ROOT, "describe", "--always", "--dirty"], 60)
    return found.stdout.strip() or "unknown"


def build_id(library):
    found = re.search(r"Build ID: (\w+)", run(["readelf", "-n", library], 60).stdout)
    return found.group(1) if found else "unknown"


def now():
    return time.strftime("%Y-%m-%d %H:%M")


def first_line(command):
    try:
        done = run(command, 60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0] if lines else None


def machine(library):
    return {
        "processor": f"{processor()}, {os.cpu_count()} visible",
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "compiler": compiler(library),
        "socktrack": revision(),
        "library": build_id(library),
        "recordings_in": roomy_memory() or tempfile.gettempdir(),
    }


class Section:
    """One table: rows of the same columns, what was skipped and why, remarks."""

    def __init__(self, name, title, columns):
        self.name, self.title, self.columns = name, title, columns
        self.rows, self.skipped, self.notes = [], [], []
        self.measured = None

    def add(self, *values):
        self.rows.append(dict(zip(self.columns, values, strict=True)))
        return self.rows[-1]

    def skip(self, what, reason):
        self.skipped.append({"what": what, "reason": str(reason)})

    def note(self, text):
        self.notes.append(text)

    def document(self):
        return {"title": self.title, "rows": self.rows, "skipped": self.skipped, "notes": self.notes,
                "measured": self.measured}

    def text(self):
        cells = [list(self.columns)] + [[shown(row[c]) for c in self.columns] for row in self.rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(self.columns))]
        lines = [self.title, ""]
        for line in cells if self.rows else []:
            rest = "".join(f"  {cell:>{width}}" for cell, width in zip(line[1:], widths[1:], strict=True))
            lines.append(f"{line[0]:<{widths[0]}}{rest}".rstrip())
        lines += [f"not measured: {each['what']}: {each['reason']}" for each in self.skipped]
        lines += [f"note: {each}" for each in self.notes]
        if self.measured:
            lines.append("measured at {at}, in {seconds} s, load before {load_before}".format(**self.measured))
        return "\n".join(lines) + "\n"


def shown(value):
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
