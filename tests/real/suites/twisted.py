import os

from suites.debian import Unavailable
from suites.running import execute, matches


class Twisted:
    """Twisted's own tests of TCP, UNIX sockets and processes, with every reactor, as Debian ships them."""

    modules = ["twisted.internet.test.test_tcp", "twisted.internet.test.test_unix", "twisted.internet.test.test_socket",
               "twisted.internet.test.test_process", "twisted.test.test_tcp", "twisted.test.test_unix"]
    packages = ["python3-" + name for name in ("twisted", "zope.interface", "constantly", "incremental", "hyperlink",
                                               "attr", "automat", "idna", "typing-extensions")]

    def __init__(self, debian, work):
        if not os.path.exists("/usr/bin/python3"):
            raise Unavailable("/usr/bin/python3 is missing")
        self.home = debian.binaries("twisted", *self.packages) / "usr/lib/python3/dist-packages"

    def run(self, environment, where, only):
        command = ["/usr/bin/python3", "-m", "twisted.trial", "--reporter=bwverbose", *(only or self.modules)]
        output = execute(command, where, dict(environment, PYTHONPATH=str(self.home)), 1200)
        pattern = r"^(?P<name>twisted\.\S+) \.\.\. +\[(?P<result>OK|ERROR|FAIL)\]$"
        return matches(pattern, output, lambda found: found["result"] == "OK")
