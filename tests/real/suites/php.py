import os
import re
import shutil
import xml.etree.ElementTree as xml

from suites.debian import Unavailable
from suites.running import execute


class Php:
    """PHP's own phpt tests of streams, sockets, curl, TLS, FTP, processes and the CLI's server, by the system's php."""

    folders = ["ext/standard/tests/network", "ext/standard/tests/streams", "ext/standard/tests/http",
               "ext/standard/tests/general_functions", "ext/sockets/tests", "ext/curl/tests", "ext/openssl/tests",
               "ext/ftp/tests", "ext/pcntl/tests", "ext/posix/tests", "sapi/cli/tests"]
    left_out = ["sapi/cli/tests/upload_2G.phpt"]  # runs or skips by how much memory is free

    def __init__(self, debian, work):
        self.php = shutil.which("php")
        if not self.php:
            raise Unavailable("php is missing")
        found = re.search(r"php([\d.]+)$", os.path.realpath(self.php))
        if not found:
            raise Unavailable(f"{self.php} has no version in its name")
        self.home = debian.unpack(f"php{found[1]}", f"php{found[1]}-[0-9]*/")

    def run(self, environment, where, only):
        results = f"{where}/results.xml"
        environment = dict(environment, TEST_PHP_EXECUTABLE=self.php, NO_INTERACTION="1", SKIP_ONLINE_TESTS="1",
                           SKIP_SLOW_TESTS="1", TEST_PHP_JUNIT=results)
        names = only or [str(test.relative_to(self.home)) for folder in self.folders
                         for test in sorted((self.home / folder).rglob("*.phpt"))]
        wanted = [name for name in names if name not in self.left_out]
        execute([self.php, "run-tests.php", "-q", "-j2", *wanted], self.home, environment, 900)
        try:
            cases = list(xml.parse(results).iter("testcase"))
        except (OSError, xml.ParseError):
            return {}
        # "FILE (what it tests)": a rerun names the file.
        return {case.get("name").split(" (")[0]: "pass" if case.find("failure") is None else "fail"
                for case in cases if case.find("skipped") is None}
