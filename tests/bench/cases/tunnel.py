"""What a tunnel adds to a request, and how fast one stream is through it."""

import re
import time

from lib import backend, report, tls_client
from lib.tunnel import DIRECT, TUNNEL, Tunnel

# One worker holds the tunnel and takes the request; of two, one takes it and the other holds the tunnel as often
# as not, and then it is relayed between them.
WAYS = {"direct": (1, DIRECT), "tunnel": (1, TUNNEL), "tunnel, two workers": (2, TUNNEL)}
CONNECTIONS = 8
BIG = "/huge"
BIG_BYTES = 512 * 2**20


class _Way:
    def __init__(self, tunnel, host):
        self.tunnel, self.host, self.process = tunnel, host, tunnel
        self.name, self.port = tunnel.name, tunnel.port

    def connect(self, ctx):
        return [tls_client.connect(ctx, self.port, self.host) for _ in range(CONNECTIONS)]


def _ways(bench):
    back = bench.once("backend", backend.Backend)
    with open(bench.folder / "backend" / "huge", "wb") as f:
        f.truncate(BIG_BYTES)
    tunnels = {n: Tunnel(bench, f"linkupd-tunnel-{n}", back.port, n) for n in (1, 2)}
    return {name: _Way(tunnels[workers], host) for name, (workers, host) in WAYS.items()}


def _small(bench, ways):
    ctx = tls_client.context("http/1.1")
    connections = {name: way.connect(ctx) for name, way in ways.items()}
    names = {id(way): name for name, way in ways.items()}
    times = {name: [] for name in ways}
    n = bench.work(2_000, 200)

    def load(way, warm):
        for i in range(n // 4 if warm else n):
            began = time.perf_counter()
            tls_client.h1_get(connections[names[id(way)]][i % CONNECTIONS], host=way.host)
            if not warm:
                times[names[id(way)]].append((time.perf_counter() - began) * 1e3)
        return n

    costs = bench.interleave(ways, load)
    for some in connections.values():
        for tls in some:
            tls.close()
    slow = report.Table("A request through a tunnel, one at a time", "ms",
                        f"Wall clock at a client of {CONNECTIONS} kept connections, {backend.SMALL} B bodies, all on loopback.",
                        percentile=99)
    for name, values in times.items():
        slow.add(name, values)
    return [slow, report.from_costs(
        "The same, what it costs", "µs/request", 1e6, costs, "Processor time of the edge and the agent together.")]


def _large(bench, ways):
    """One stream: curl over HTTP/1.1, a connection of its own for each body."""
    speeds = {name: [] for name in ways}
    names = {id(way): name for name, way in ways.items()}

    def load(way, warm):
        out = bench.client(["curl", "-sSk", "--http1.1", "--connect-to", f"::127.0.0.1:{way.port}", "-o", "/dev/null", "-w",
                            "%{http_code} %{size_download} %{speed_download}", f"https://{way.host}{BIG}"])
        found = re.fullmatch(rf"200 {BIG_BYTES} (\d+)", out.strip())
        if not found:
            raise SystemExit(f"run: {way.name} failed a body: {out}")
        if not warm:
            speeds[names[id(way)]].append(int(found.group(1)) / 1e6)
        return BIG_BYTES / 2**30

    costs = bench.interleave(ways, load)
    fast = report.Table("One stream through a tunnel", "MB/s", "More is better; wall clock, everything on the same cores.")
    for name, values in speeds.items():
        fast.add(name, values)
    return [fast, report.from_costs(
        "The same, what it costs", "s/GiB", 1, costs, "Processor time of the edge and the agent together.")]


def tunnel(bench):
    ways = _ways(bench)
    return _small(bench, ways) + _large(bench, ways)


CASES = {"tunnel": tunnel}
