import os

from suites.cmake import cmake_build
from suites.running import NOBODY, execute, matches


class Libuv:
    """libuv's uv_run_tests: every test in processes of its own."""

    def __init__(self, debian, work):
        source = debian.unpack("libuv1", "libuv1-[0-9]*/")
        self.build = cmake_build(source, "uv_run_tests", "-DLIBUV_BUILD_BENCH=OFF")

    def run(self, environment, where, only):
        pattern = r"^(?P<bad>not )?ok \d+ - (?P<name>\S+)(?P<rest>.*)$"
        user = NOBODY if os.geteuid() == 0 else None  # it refuses root
        for folder in (where, os.path.dirname(where)):
            os.chmod(folder, 0o777)
        runs = [[name] for name in only] or [[]]
        output = "".join(execute([self.build / "uv_run_tests", *each], self.build, environment, 600, user)
                         for each in runs)
        return matches(pattern, output, lambda found: not found["bad"])
