import re

from suites.cmake import cmake_build
from suites.running import execute


class Libevent:
    """libevent's regress: every test in a forked process of its own."""

    def __init__(self, debian, work):
        source = debian.unpack("libevent", "libevent-[0-9]*/")
        self.build = cmake_build(source, "regress", "-DEVENT__DISABLE_BENCHMARK=ON", "-DEVENT__DISABLE_SAMPLES=ON",
                                 "-DEVENT__DISABLE_MBEDTLS=ON", "-DEVENT__LIBRARY_TYPE=STATIC")

    def run(self, environment, where, only):
        output = execute([self.build / "bin" / "regress", *sorted(only)], where, environment)
        results = {}
        for found in re.finditer(r"^(?P<name>[a-z_0-9]+/[^\s:]+): (?P<rest>[\s\S]*?)(?=^[a-z_0-9]+/[^\s:]+: |\Z)",
                                 output, re.MULTILINE):
            rest = found["rest"]
            if "[SKIPPED]" in rest or "SKIPPED" in rest or "DISABLED" in rest:
                continue
            results[found["name"]] = "fail" if "FAILED" in rest.split("tests ok")[0] else "pass"
        return results
