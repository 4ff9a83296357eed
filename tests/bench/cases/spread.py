"""The same load over one session and over ten thousand."""

import random

from lib import backend, http_servers, report, tls_client
from lib.unix_http import UnixClient
from lib.linkup import ZONE

BATCH = 32  # requests in flight on a connection


def _host(i):
    return f"web--t-{i}.{ZONE}"  # one label, so that one certificate does for all


def _make(edge, count):
    admin = UnixClient(edge.admin)
    for i in range(count):
        admin.call("PUT", f"/v1/sessions/t-{i}", {"name": f"t-{i}", "pinned": True, "services": {
            "web": {"url": f"http://127.0.0.1:{edge.backend}"}}})
    admin.close()


def _ask(connections, hosts):
    """Every host once; pipelined on HTTP/1.1, each answer counted by its status line."""
    for at in range(0, len(hosts), BATCH * len(connections)):
        shares = [hosts[at + i * BATCH:at + (i + 1) * BATCH] for i in range(len(connections))]
        for tls, share in zip(connections, shares):
            if share:
                tls.sendall(b"".join(f"GET /small HTTP/1.1\r\nhost: {h}\r\n\r\n".encode() for h in share))
        for tls, share in zip(connections, shares):
            seen = b""
            while seen.count(b"\r\n\r\n" + b"x" * backend.SMALL) < len(share):
                data = tls.recv(262144)
                if not data:
                    raise SystemExit("run: linkupd closed the connection")
                seen += data
            if seen.count(b"HTTP/1.1 200") != len(share):
                raise SystemExit(f"run: linkupd failed requests: {seen[:300]!r}")


def spread(bench):
    count, requests = bench.work(10_000, 1_000), bench.work(20_000, 4_000)
    servers = bench.once("http", http_servers.start)
    edge = servers.get("linkupd")
    if not edge:
        return None
    report.progress(f"  making {count} sessions")
    _make(edge, count)
    ctx = tls_client.context("http/1.1")
    connections = [tls_client.connect(ctx, edge.port, _host(0)) for _ in range(4)]
    order = random.Random(1)
    loads = {"one session": [_host(0)] * requests,
             f"{count:,} sessions": [_host(order.randrange(count)) for _ in range(requests)]}
    table = report.Table("The same load over many sessions", "µs/request",
                         f"Processor time of linkupd; {backend.SMALL} B bodies, HTTP/1.1, TLS 1.3, "
                         f"4 connections, {BATCH} requests behind each other.")
    costs = {name: [] for name in loads}
    for hosts in loads.values():
        _ask(connections, hosts)
    for _ in range(bench.rounds):
        for name, hosts in loads.items():
            before = edge.process.cpu()
            _ask(connections, hosts)
            costs[name].append((edge.process.cpu() - before) / requests * 1e6)
    for name, values in costs.items():
        table.add(name, values)
    for tls in connections:
        tls.close()
    return table


CASES = {"spread": spread}
