"""How long an answer takes at half load: the same rate for all, half of what the slowest of them can.

h2load sends what is due of a connection's rate by a timer of 10 ms that begins with the connection. Were they all opened
at once, they would ask in bursts, the closer together the faster a server makes handshakes, and what is measured
would be the burst. So a few are opened at a time, and the times between are no multiple of 10 ms."""

import time

from cases import h2load
from lib import backend, http_servers, report

CONNECTIONS = 32
SPREAD = ["-r", 4, "--rate-period=103ms"]


def _rate(bench, server, requests):
    """Requests a second that it answers when it is asked as fast as it answers."""
    began = time.perf_counter()
    n = h2load.run(bench, server, "/small", "-n", requests, "-c", CONNECTIONS, "-m", 1)
    return n / (time.perf_counter() - began)


def _times(bench, server, rate, requests):
    """Milliseconds that each answer took."""
    log = bench.folder / f"latency-{server.process.name}"
    log.unlink(missing_ok=True)
    h2load.run(bench, server, "/small", "-n", requests, "-c", CONNECTIONS, "-m", 1, *SPREAD,
               f"--rps={rate / CONNECTIONS:.1f}", f"--log-file={log}")
    return [int(line.split("\t")[2]) / 1000 for line in log.read_text().splitlines()]


def latency(bench):
    servers = bench.once("http", http_servers.start)
    requests = bench.work(20_000, 6_000)
    rate = min(_rate(bench, server, requests // 4) for server in servers.values()) / 2
    times = {name: [] for name in servers}
    for i in range(bench.rounds):
        for name, server in servers.items():
            report.progress(f"  round {i + 1} of {bench.rounds}: {name}")
            times[name].append(sorted(_times(bench, server, rate, requests)))
    tables = []
    for percent in (50, 99):
        note = (f"The answer's {percent}th percentile at the client in each round, {rate:.0f} requests a second, "
                f"HTTP/2, {CONNECTIONS} connections, {backend.SMALL} B bodies. Wall clock: a machine that does other "
                "things shows it.")
        table = report.Table(f"Latency at half load, p{percent}", "ms", note)
        for name, rounds in times.items():
            table.add(name, [r[len(r) * percent // 100] for r in rounds])
        tables.append(table)
    return tables


CASES = {"latency": latency}
