import os
import shutil
import sys
import xml.etree.ElementTree as xml

from suites.debian import Unavailable
from suites.running import execute


class Python:
    """CPython's own tests of everything that opens sockets, from Debian's package of them."""

    modules = ["test_socket", "test_selectors", "test_select", "test_poll", "test_epoll", "test_socketserver",
               "test_httplib", "test_httpservers", "test_ftplib", "test_smtplib", "test_poplib", "test_imaplib",
               "test_xmlrpc", "test_ssl", "test_asyncore", "test_subprocess", "test_posix", "test_fork1",
               "test_urllib2_localnet", "test_wsgiref"]

    def __init__(self, debian, work):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        package = f"libpython{version}-testsuite"
        self.python = f"/usr/bin/python{version}"
        self.home = work / "python"
        if not (self.home / "test" / "test_socket.py").exists():
            if not os.path.exists(self.python):
                raise Unavailable(f"{self.python} is missing")
            unpacked = debian.binaries("testsuite", package)
            for origin in (f"/usr/lib/python{version}/test", unpacked / f"usr/lib/python{version}/test"):
                shutil.copytree(origin, self.home / "test", dirs_exist_ok=True)

    def run(self, environment, where, only):
        modules = sorted({name.split(".")[1] for name in only}) if only else self.modules
        environment = dict(environment, PYTHONPATH=str(self.home))
        command = [self.python, "-m", "test", "--timeout", "120", "--ignore", "*VSOCK*", "--junit-xml", f"{where}/results.xml", *modules]
        output = execute(command, where, environment)
        results = {}
        try:
            cases = xml.parse(f"{where}/results.xml").iter("testcase")
        except (OSError, xml.ParseError):
            raise SystemExit("no results:\n" + output[-3000:]) from None
        for case in cases:
            good = case.find("error") is None and case.find("failure") is None
            if case.get("status") == "run" or not good:
                results[case.get("name")] = "pass" if good else "fail"
        return results
