"""Tables: for a terminal, and as Markdown."""

import statistics
import sys

PEERS = ("knot", "nsd", "nginx", "haproxy", "nghttpx", "h2o")


class Table:
    """Rows of (server, values); the unit is of the values, less is better."""

    def __init__(self, title, unit, note="", percentile=None):
        self.title, self.unit, self.note, self.percentile = title, unit, note, percentile
        self.rows = []

    def add(self, server, values):
        self.rows.append((server, list(values)))
        return self


class Facts:
    """Single values, each with a name."""

    def __init__(self, title):
        self.title, self.note, self.rows = title, "", []

    def add(self, name, value):
        self.rows.append((name, value))


def from_costs(title, unit, scale, costs, note=""):
    table = Table(title, unit, note)
    for server, values in costs.items():
        table.add(server, [v * scale for v in values])
    return table


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()


def number(v):
    if v == 0:
        return "0"
    return f"{v:.0f}" if abs(v) >= 100 else f"{v:.3g}"


def _percentile(values, percent):
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def _cells(table):
    if isinstance(table, Facts):
        return [("", "")] + table.rows
    medians = {server: statistics.median(values) for server, values in table.rows}
    peers = [m for server, m in medians.items() if server in PEERS]
    head = ["", table.unit, "min-max"]
    head += [f"p{table.percentile}"] if table.percentile else []
    head += ["of the best peer"] if peers else []
    rows = [head]
    for server, values in sorted(table.rows, key=lambda r: medians[r[0]]) if peers else table.rows:
        row = [server, number(medians[server]), f"{number(min(values))}-{number(max(values))}"]
        row += [number(_percentile(values, table.percentile))] if table.percentile else []
        row += [f"{medians[server] / min(peers):.2f}"] if peers else []
        rows.append(row)
    return rows


def _terminal(table):
    cells = _cells(table)
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = [table.title] + ([f"  {table.note}"] if table.note else [])
    for row in cells:
        first = row[0].ljust(widths[0])
        lines.append(("  " + first + "".join("  " + c.rjust(w) for c, w in zip(row[1:], widths[1:]))).rstrip())
    return "\n".join(lines) + "\n"


def _markdown(table):
    cells = _cells(table)
    lines = [f"### {table.title}", ""] + ([table.note, ""] if table.note else [])
    for i, row in enumerate(cells):
        lines.append("| " + " | ".join(f"**{c}**" if row[0] == "linkupd" else c for c in row) + " |")
        if i == 0:
            lines.append("|---|" + "---:|" * (len(row) - 1))
    return "\n".join(lines) + "\n"


def render(table, markdown):
    progress("")
    tables = table if isinstance(table, list) else [table]
    return "\n".join((_markdown if markdown else _terminal)(t) for t in tables)


def preamble(lines, markdown):
    if markdown:
        return "".join(f"* {line}\n" for line in lines)
    return "\n".join(lines) + "\n"
