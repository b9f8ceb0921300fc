import os

from suites.debian import Unavailable
from suites.running import execute, matches


class Tornado:
    """Tornado's own tests, which Debian ships with it."""

    def __init__(self, debian, work):
        if not os.path.exists("/usr/bin/python3"):
            raise Unavailable("/usr/bin/python3 is missing")
        self.home = debian.binaries("tornado", "python3-tornado") / "usr/lib/python3/dist-packages"

    def run(self, environment, where, only):
        names = [name.split("(")[1].rstrip(")") for name in only]
        command = ["/usr/bin/python3", "-m", "tornado.test", "--verbose", *names]
        output = execute(command, where, dict(environment, PYTHONPATH=str(self.home), ASYNC_TEST_TIMEOUT="60"))
        pattern = r"^(?P<name>\w+ \(tornado[\w.]+\))(?:\n.*)?? \.\.\. (?P<result>ok|FAIL|ERROR)$"
        return matches(pattern, output, lambda found: found["result"] == "ok")
