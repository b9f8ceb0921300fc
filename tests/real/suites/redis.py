import re
import shutil

from suites.debian import Unavailable
from suites.running import execute, matches


class Redis:
    """Redis' own tests of protocol, networking, clients and replication, by the system's server."""

    units = ["unit/" + name for name in (
        "protocol", "networking", "auth", "acl", "pubsub", "multi", "limits", "querybuf", "obuf-limits", "pause",
        "introspection", "quit", "shutdown", "wait", "client-eviction", "tracking", "other", "scripting",
        "type/list")] + ["integration/" + name for name in (
            "replication-psync", "redis-cli", "redis-benchmark", "block-repl", "logging", "shutdown")]
    programs = ["redis-server", "redis-cli", "redis-benchmark", "redis-check-aof", "redis-check-rdb"]

    def __init__(self, debian, work):
        for program in ("tclsh", *self.programs):
            if not shutil.which(program):
                raise Unavailable(f"{program} is missing")
        self.home = debian.unpack("redis", "redis-[0-9]*/")
        for program in self.programs:
            if not (self.home / "src" / program).exists():
                (self.home / "src" / program).symlink_to(shutil.which(program))

    def run(self, environment, where, only):
        units = sorted({name.split("#")[0] for name in only}) or self.units
        results = {}
        for unit in units:  # a name of a test is not unique beyond its unit
            output = execute(["./runtest", "--durable", "--single", unit], self.home, environment, 300)
            output = re.sub(r"\x1b\[[0-9;]*m", "", output)
            found = matches(r"^\[(?P<result>ok|err|exception|timeout)\]: (?P<name>.*?)(?: \(\d+ ms\))?$", output,
                            lambda each: each["result"] == "ok")
            results.update({f"{unit}#{name}": result for name, result in found.items()})
        return results
