import re
import shutil
import sys

from suites.debian import Unavailable
from suites.running import execute, matches


class Node:
    """Node's own tests of sockets, HTTP, TLS and processes, by the system's node, whatever its version."""

    groups = ["net", "http", "https", "http2", "tls", "dgram", "cluster", "child-process", "pipe", "stdio"]

    def __init__(self, debian, work):
        node = shutil.which("node")
        if not node:
            raise Unavailable("node is missing")
        self.home = debian.unpack("nodejs", "nodejs-[0-9]*/")
        if not (self.home / "node").exists():
            (self.home / "node").symlink_to(node)

    def run(self, environment, where, only):
        names = list(only) or [f"parallel/test-{group}-*" for group in self.groups]
        output = execute([sys.executable, "tools/test.py", "-p", "tap", "-j", "2", "-t", "30", "--temp-dir", where,
                          *names], self.home, environment, 1500)
        pattern = r"^(?P<bad>not )?ok \d+ (?P<name>\S+)(?P<rest>.*)$"
        kept = "\n".join(line for line in output.splitlines() if not re.search(r"# skip", line, re.IGNORECASE))
        return matches(pattern, kept, lambda found: not found["bad"])
