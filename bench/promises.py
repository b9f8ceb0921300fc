"""What the design promises, beside what was measured."""

from common import Section, shown


def row_of(sections, section, key, value):
    rows = sections.get(section, {}).get("rows", [])
    return next((row for row in rows if row[key] == value), None)


def field(name):
    return lambda row: row[name]


def ratio(name):
    return lambda row: 1 + row[name] / row["bare"]


def relative_noise(row):
    return row["control_ns"] / row["bare"]


def of_cycle(name):
    return lambda row: row[name] / row["cycle"] * 100 if "cycle" in row else None


def uncertainty(which):
    """Of a ratio: bare against bare, or the error of the median, a third of the width of the middle half."""
    def of(row):
        low, high = map(float, row[f"{which}_half"].split(".."))
        return max(abs(row[f"control_{which}"] - 1), (high - low) / 3)
    return of


LOADS = ("redis -P 1", "redis -P 16", "nginx keepalive", "nginx close", "pgbench -S")
TRANSFERS = ("recv_tcp_1_byte", "send_tcp_1_byte", "recv_unix_1_byte", "send_unix_1_byte", "read_pipe_1_byte",
             "write_dev_null_1_byte")

# what is promised, section, key column, its value, figure of the row, limit, unit, how far the bare program is from
# itself in that figure (None: it is a count). A limit in a tuple is the least, others the most.
PROMISES = [
    *[(f"instructions added to {call}", "instructions", "call", call, field("added"), 15, "", None)
      for call in (*TRANSFERS, "close_no_socket")],
    *[(f"{call}, hooks, beyond one empty frame", "calls", "call", call, lambda r: r["hooks_added"] - r["one_frame"], 2, " ns",
       field("control_ns")) for call in TRANSFERS],
    *[(f"{call}, hooks", "calls", "call", call, ratio("hooks_added"), 1.01, "x", relative_noise)
      for call in ("send_tcp_1_byte", "recv_tcp_1_byte")],
    *[(f"{call}, with the watcher, a program without threads", "calls", "call", call, ratio("added"), 1.01, "x",
       relative_noise) for call in ("send_tcp_1_byte", "recv_tcp_1_byte")],
    ("accept + close with stacks, hooks", "calls", "call", "accept_close", field("hooks_added"), 600, " ns",
     field("control_ns")),
    ("... of a full TCP cycle", "calls", "call", "accept_close", of_cycle("hooks_added"), 2, " %", of_cycle("control_ns")),
    ("a stack seen before", "stacks", "way", "seen_before, deeper by 8", field("ns"), 50, " ns", None),
    *[(f"{program}: server CPU", "programs", "program", program, field("cpu_ratio"), 1.01, "x", uncertainty("cpu"))
      for program in LOADS],
    *[(f"{program}: throughput", "programs", "program", program, field("rate_ratio"), (0.99,), "x",
       uncertainty("rate")) for program in LOADS],
    ("20 000 connections looked at every second", "growth", "connections", "most", field("percent_of_core"), 1,
     "% of a core", None),
    ("memory per connection", "memory", "connections", "most", field("added_per_connection_bytes"), 256, " bytes", None),
    ("start-up of /bin/true", "start", "way", "libsocktrack.so", field("added_us"), 150, " us", None),
]


def found(sections, name, key, value):
    """The row, with what a TCP cycle takes if that was measured; "most" is the last one."""
    rows = sections.get(name, {}).get("rows", [])
    row = (rows[-1] if rows else None) if value == "most" else row_of(sections, name, key, value)
    cycle = row_of(sections, "calls", "call", "tcp_cycle")
    return dict(row, cycle=cycle["bare"]) if row and cycle else row


def verdict(got, limit, noise):
    """Kept or broken, if it is that still when the bare program against itself is taken off."""
    at_least = isinstance(limit, tuple)
    room = got - limit[0] if at_least else limit - got
    if abs(room) < noise:
        return f"not resolved: noise {shown(float(noise))}"
    return "yes" if room >= 0 else "no"


def table(sections):
    section = Section("promises", "Promise (design, section 8) and measurement", ["what", "promise", "measured", "kept"])
    for what, name, key, value, figure, limit, unit, noise in PROMISES:
        row = found(sections, name, key, value)
        if row is None:
            continue
        got = figure(row)
        if got is None:
            continue
        bound = f">= {limit[0]}" if isinstance(limit, tuple) else f"<= {limit}"
        section.add(what, f"{bound}{unit}", f"{shown(float(got))}{unit}", verdict(got, limit, noise(row) if noise else 0))
    return section
