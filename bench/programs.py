"""Whole programs: server CPU per request and throughput, against the bare program and against itself."""

from common import Section, Skipped, clean_environment, interleaved, median, preloaded, scratch, spread
from servers import AsyncioEcho, JavaHttp, Nginx, Postgres, Redis, wrk


class Way:
    """How a server is run."""

    def __init__(self, build, kind):
        self.build, self.kind, self.prefix = build, kind, []

    def environment(self, directory):
        if self.kind == "preloaded":
            return preloaded(self.build.library, directory)
        return clean_environment()


# name: (server, load in full, load in --quick)
PROGRAMS = {
    "redis -P 1": (Redis, lambda s: s.load(200_000, 1), lambda s: s.load(60_000, 1)),
    "redis -P 16": (Redis, lambda s: s.load(1_600_000, 16), lambda s: s.load(600_000, 16)),
    "nginx keepalive": (Nginx, lambda s: wrk(s.port, 3), lambda s: wrk(s.port, 1)),
    "nginx close": (Nginx, lambda s: wrk(s.port, 3, "-H", "Connection: close"),
                    lambda s: wrk(s.port, 1, "-H", "Connection: close")),
    "pgbench -S": (Postgres, lambda s: s.load(4), lambda s: s.load(2)),
    "JVM HTTP keepalive": (JavaHttp, lambda s: wrk(s.port, 3), lambda s: wrk(s.port, 2)),
    "asyncio echo": (AsyncioEcho, lambda s: s.load(3), lambda s: s.load(1)),
}


def one_run(build, kind, server, load):
    """(CPU microseconds of the server per request, requests per second) of a fresh server."""
    with scratch() as directory, server(Way(build, kind), directory, build) as running:
        before = running.cpu()
        requests, rate = load(running)
        return (running.cpu() - before) / requests * 1e6, rate


def ratios(results, kind, which):
    """Of each round: `kind` against the mean of bare and control, so that a drift of the machine cancels."""
    return [r[kind][which] * 2 / (r["bare"][which] + r["control"][which]) for r in results]


def programs(build, options):
    rounds = options.rounds or (2 if options.quick else 7)
    section = Section("programs", f"Whole programs under load, medians (middle half) of {rounds} interleaved rounds",
                      ["program", "bare_us", "cpu_ratio", "cpu_half", "control_cpu", "rate_ratio", "rate_half",
                       "control_rate"])
    for name, (server, full, quick) in PROGRAMS.items():
        if options.programs and not any(each in name for each in options.programs):
            continue
        try:
            results = interleaved(["bare", "preloaded", "control"], rounds,
                                  lambda kind, s=server, f=full, q=quick: one_run(build, kind, s, q if options.quick else f))
        except Skipped as reason:
            section.skip(name, reason)
            continue
        cpu, rate = ratios(results, "preloaded", 0), ratios(results, "preloaded", 1)
        section.add(name, median(r["bare"][0] for r in results), median(cpu), half(cpu),
                    median(r["control"][0] / r["bare"][0] for r in results), median(rate), half(rate),
                    median(r["control"][1] / r["bare"][1] for r in results))
    section.note("bare_us: CPU of the server per request. Ratios below 1.00 of cpu, above 1.00 of rate, are noise "
                 "in our favour. Server and load share the machine's processors.")
    return section


def half(values):
    low, high = spread(values)
    return f"{low:.3f}..{high:.3f}"


SECTIONS = {"programs": programs}
