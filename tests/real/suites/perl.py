import re
import shutil

from suites.debian import Unavailable
from suites.running import execute


class Perl:
    """Perl core's tests of Socket, IO::Socket, libnet and HTTP::Tiny, by the system's perl."""

    folders = ["cpan/Socket", "dist/IO", "cpan/IO-Socket-IP", "cpan/HTTP-Tiny", "cpan/libnet"]

    def __init__(self, debian, work):
        if not shutil.which("perl"):
            raise Unavailable("perl is missing")
        self.get(debian)

    def get(self, debian):
        self.home = debian.unpack("perl", "perl-[0-9]*/")
        self.paths = [self.home / "t/lib"]

    def run(self, environment, where, only):
        results = {}
        includes = [f"-I{path}" for path in self.paths]
        for folder in self.folders:
            for test in sorted((self.home / folder / "t").glob("*.t")):
                name = f"{folder}/{test.name}"
                if only and name not in {each.split("#")[0] for each in only}:
                    continue
                output = execute(["perl", *includes, f"t/{test.name}"], self.home / folder, environment, 120)
                for number, found in enumerate(re.finditer(r"^(not )?ok\b(.*)$", output, re.MULTILINE)):
                    if "# skip" not in found[2].lower():
                        results[f"{name}#{number + 1}"] = "fail" if found[1] else "pass"
        return results


class PerlTls(Perl):
    """IO::Socket::SSL's tests, with the Net::SSLeay of Debian."""

    folders = ["."]

    def get(self, debian):
        self.home = debian.unpack("libio-socket-ssl-perl", "libio-socket-ssl-perl-[0-9]*/")
        root = debian.binaries("perl-tls", "libnet-ssleay-perl")
        self.paths = [self.home / "lib", *root.glob("usr/lib/*/perl5/*")]
