import re
import shutil

from suites.debian import Unavailable, quietly
from suites.running import execute, matches


class Ruby:
    """Ruby's test/socket and test/net, by the system's ruby."""

    def __init__(self, debian, work):
        if not shutil.which("ruby"):
            raise Unavailable("ruby is missing")
        package = "ruby" + ".".join(quietly(["ruby", "-e", "print RUBY_VERSION"], work).split(".")[:2])
        self.home = debian.unpack(package, f"{package}-[0-9]*/")

    def run(self, environment, where, only):
        command = ["ruby", "-Itool/lib", "-Itest/lib", "test/runner.rb", "--ruby=/usr/bin/ruby", "-v", "test/socket",
                   "test/net/http", "test/net/protocol", "test/ruby/test_io.rb", "test/ruby/test_process.rb"]
        if only:
            command += [f"-n/^{re.escape(name.split('#')[1])}$/" for name in only]
        output = execute(command, self.home, environment)
        pattern = r"^(?:\[[\s\d/]+\] )?(?P<name>\S+#test\S*) = [\d.]+ s(?: = (?P<result>[A-Z]))?"
        return matches(pattern, output, lambda found: found["result"] in (None, "S"))
