import os
import pathlib
import re
import shutil
import tarfile

from suites.debian import Unavailable
from suites.running import execute, matches


class Java:
    """OpenJDK's own tests of java.net and of the channels of java.nio, by jtreg and the system's JDK."""

    folders = ["java/net/" + name for name in (
        "Socket", "ServerSocket", "SocketImpl", "SocketOption", "SocketInputStream", "PlainSocketImpl", "Socks",
        "Authenticator", "HttpURLConnection", "URLConnection", "ResponseCache", "ipv6tests", "MulticastSocket",
        "DatagramSocket", "PortUnreachableException", "InetAddress")] + ["java/nio/channels"]
    wanted = ("java/net", "java/nio", "lib", "sun/net", "com/sun/net", "TEST.ROOT", "ProblemList.txt")
    passed_on = "LD_PRELOAD,SOCKTRACK_OUTPUT,SOCKTRACK_GRACE,SOCKTRACK_LOG"

    def __init__(self, debian, work):
        javac = shutil.which("javac")
        if not javac:
            raise Unavailable("javac is missing")
        self.jdk = pathlib.Path(os.path.realpath(javac)).parents[1]
        version = re.search(r'^JAVA_VERSION="(\d+)', (self.jdk / "release").read_text(), re.MULTILINE)[1]
        self.jtreg = debian.binaries("jtreg", "jtreg7") / "usr/share/jtreg/lib/jtreg.jar"
        self.tests = self.unpack(debian.download(f"openjdk-{version}"), work / f"openjdk-{version}/test") / "jdk"
        self.excluded = self.exclude_native(work / f"openjdk-{version}.native")

    def unpack(self, archive, target):
        """The tests alone: the sources are big. `@library /test/lib` is looked for two folders up."""
        if not (target / "done").exists():
            with tarfile.open(archive) as sources:
                for member in sources:
                    name = member.name.partition("/test/")[2]
                    if name.startswith("lib/") or name.startswith("jtreg-ext/") or \
                            (name.startswith("jdk/") and name[len("jdk/"):].startswith(self.wanted)):
                        member.name = name
                        sources.extract(member, target)
            root = target / "jdk/TEST.ROOT"
            # The groups name tests that are not here.
            root.write_text(re.sub(r"^groups=.*\n", "", root.read_text(), flags=re.MULTILINE))
            (target / "done").touch()
        return target

    def exclude_native(self, listed):
        """Those that need libraries of their own, which are not built here."""
        names = [path.relative_to(self.tests) for path in self.tests.glob("java/n*/**/*.java")
                 if re.search(r"@run \S*/native", path.read_text(errors="replace"))]
        listed.write_text("".join(f"{name} 0 generic-all\n" for name in names))
        return listed

    def run(self, environment, where, only):
        tests = [self.tests / name for name in only or self.folders]
        environment = dict(environment, JAVA_HOME=str(self.jdk))
        output = execute([self.jdk / "bin/java", "-jar", self.jtreg, f"-jdk:{self.jdk}", "-agentvm", "-a", "-ignore:quiet",
                          "-conc:2", "-timeoutFactor:3", "-v:summary", f"-w:{where}/work", f"-r:{where}/report",
                          f"-e:{self.passed_on}", f"-exclude:{self.tests / 'ProblemList.txt'}",
                          f"-exclude:{self.excluded}", "-k:!headful&!manual", *tests], where, environment, 1500)
        pattern = r"^(?P<result>Passed|FAILED|Error):\s+(?P<name>\S+\.\w+)$"
        return matches(pattern, output, lambda found: found["result"] == "Passed")
