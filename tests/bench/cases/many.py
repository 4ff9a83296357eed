"""A hundred thousand sessions: their weight, their start, and what one more costs."""

import time

from lib import backend, http_servers, report
from lib.unix_http import UnixClient, request, response

_PIPES = 16  # connections at once: changes share a transaction


def _body(edge, name):
    return {"name": name, "pinned": True, "services": {"web": {"url": f"http://127.0.0.1:{edge.backend}"}}}


def _fill(edge, count):
    """Makes them over several connections, so that the store commits many at a time."""
    clients = [UnixClient(edge.admin) for _ in range(_PIPES)]
    for start in range(0, count, _PIPES * 8):
        group = [f"s-{i}" for i in range(start, min(start + _PIPES * 8, count))]
        for i, client in enumerate(clients):
            mine = group[i::_PIPES]
            client.pending = len(mine)
            client.socket.sendall(b"".join(request("PUT", f"/v1/sessions/{n}", _body(edge, n)) for n in mine))
        for client in clients:
            for _ in range(client.pending):
                client.answer()
    for client in clients:
        client.close()


def _one_more(edge, prefix, tries):
    """Processor seconds of the whole server for each."""
    admin = UnixClient(edge.admin)
    costs = []
    for i in range(tries):
        before = edge.process.cpu()
        admin.call("PUT", f"/v1/sessions/{prefix}-{i}", _body(edge, f"{prefix}-{i}"))
        costs.append(edge.process.cpu() - before)
    admin.close()
    return costs


def many(bench):
    count, tries = bench.work(100_000, 10_000), bench.work(100, 40)
    port = bench.once("backend", backend.Backend).port
    edge = http_servers.Edge(bench, None, port, name="linkupd-many").start()
    empty = edge.process.rss()
    first = _one_more(edge, "first", tries)
    report.progress(f"  making {count} sessions")
    began, before = time.perf_counter(), edge.process.cpu()
    _fill(edge, count)
    filling, used = time.perf_counter() - began, edge.process.cpu() - before
    edge.stop()
    report.progress("  starting again")
    began = time.perf_counter()
    edge.start()
    loading, loading_cpu = time.perf_counter() - began, edge.process.cpu()
    weight = (edge.process.rss() - empty) / count
    last = _one_more(edge, "last", tries)
    edge.stop()
    facts = report.Facts(f"{count:,} sessions")
    facts.add("making them, a session", f"{filling / count * 1e6:.0f} µs, processor time {used / count * 1e6:.0f} µs")
    facts.add("start until they are served", f"{loading:.2f} s, processor time {loading_cpu:.2f} s")
    facts.add("memory a session", f"{weight / 1024:.2f} KiB")
    cost = report.Table("One more session", "µs", f"Processor time of all the server's threads; {tries} tries.")
    cost.add("with none", [1e6 * c for c in first])
    cost.add(f"with {count:,}", [1e6 * c for c in last])
    return [facts, cost]


CASES = {"many": many}
