"""What the design promises, beside what was measured."""

from common import Section, shown


def row_of(sections, section, key, value):
    rows = sections.get(section, {}).get("rows", [])
    return next((row for row in rows if row[key] == value), None)


def field(name):
    return lambda row: row[name]


# what is promised, section, key column, its value, figure of the row, limit (the most unless "least"), unit
PROMISES = [
    *[(f"instructions added to {call}", "instructions", "call", call, field("added"), 15, "")
      for call in ("recv_tcp_1_byte", "send_tcp_1_byte", "read_pipe_1_byte", "write_dev_null_1_byte",
                   "close_no_socket")],
    *[(f"{call}, hooks", "calls", "call", call, lambda r: (1 + r["hooks_added"] / r["bare"]), 1.01, "x")
      for call in ("send_tcp_1_byte", "recv_tcp_1_byte")],
    ("accept + close with stacks, hooks", "calls", "call", "accept_close", field("hooks_added"), 600, "ns"),
    ("a full TCP cycle, hooks", "calls", "call", "tcp_cycle", lambda r: 1 + r["hooks_added"] / r["bare"], 1.02, "x"),
    *[(f"{program}: server CPU", "programs", "program", program, field("cpu_ratio"), 1.01, "x")
      for program in ("redis -P 1", "redis -P 16", "nginx keepalive", "nginx close", "pgbench -S")],
    *[(f"{program}: throughput", "programs", "program", program, field("rate_ratio"), (0.99,), "x")
      for program in ("redis -P 1", "redis -P 16", "nginx keepalive", "nginx close", "pgbench -S")],
    ("start-up of /bin/true", "start", "way", "libsocktrack.so", field("added_us"), 150, "us"),
]


def verdict(got, limit, row):
    """The bare program against itself tells what this run can resolve."""
    at_least = isinstance(limit, tuple)
    bound = limit[0] if at_least else limit
    kept = got >= bound if at_least else got <= bound
    control = row.get("control_rate" if at_least else "control_cpu")
    if control is None or abs(control - 1) <= abs(bound - 1):
        return "yes" if kept else "no"
    return f"not resolved: bare against bare {shown(float(control))}x"


def table(sections):
    section = Section("promises", "Promise (design, section 8) and measurement", ["what", "promise", "measured", "kept"])
    for what, name, key, value, figure, limit, unit in PROMISES:
        row = row_of(sections, name, key, value)
        if row is None:
            continue
        at_least = isinstance(limit, tuple)
        bound = limit[0] if at_least else limit
        got = figure(row)
        section.add(what, f"{'>=' if at_least else '<='} {bound}{unit}", f"{shown(float(got))}{unit}",
                    verdict(got, limit, row))
    growth = sections.get("growth", {}).get("rows", [])
    if growth:
        last = growth[-1]
        section.add(f"{last['connections']} connections looked at every second", "<= 1% of a core",
                    f"{shown(last['percent_of_core'])}%", "yes" if last["percent_of_core"] <= 1 else "no")
    grown = sections.get("memory", {}).get("rows", [])
    if grown:
        each = grown[-1]["added_per_connection_bytes"]
        section.add("memory per connection", "<= 256 bytes", f"{shown(each)}", "yes" if each <= 256 else "no")
    return section
