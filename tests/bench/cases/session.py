"""A session's creation to the first byte over its new certificate."""

import time

from lib import backend, http_servers, report, tls_client
from lib.linkup import ZONE
from lib.unix_http import UnixClient


def _edge(bench):
    """One that makes certificates itself."""
    port = bench.once("backend", backend.Backend).port
    return http_servers.Edge(bench, None, port, name="linkupd-session").start()


def _first_byte(edge, admin, ctx, name):
    """Seconds: of the call alone, and until the answer's head from the session's URL."""
    body = {"name": name, "services": {"web": {"url": f"http://127.0.0.1:{edge.backend}"}}}
    began = time.perf_counter()
    admin.call("POST", "/v1/sessions", body)
    created = time.perf_counter()
    tls = tls_client.connect(ctx, edge.port, f"web.{name}.{ZONE}")
    tls_client.h1_get(tls, host=f"web.{name}.{ZONE}")
    done = time.perf_counter()
    tls.close()
    return created - began, done - began


def session(bench):
    edge = _edge(bench)
    admin = UnixClient(edge.admin)
    ca = bench.folder / "ca.pem"
    ca.write_bytes(admin.call("GET", "/v1/ca.pem"))
    ctx = tls_client.context("http/1.1", ca)
    tries = bench.work(50, 20)
    for i in range(3):
        _first_byte(edge, admin, ctx, f"warm-{i}")
    before = edge.process.cpu()
    times = [_first_byte(edge, admin, ctx, f"gecko-{i}") for i in range(tries)]
    used = (edge.process.cpu() - before) / tries
    edge.stop()
    table = report.Table("A session's creation to the first byte over its new certificate", "ms",
                         f"Wall clock at a client that verifies; {tries} tries, "
                         f"{report.number(used * 1e3)} ms of the server's processor time each.", percentile=95)
    table.add("the call", [1e3 * call for call, _ in times])
    table.add("call, TLS, answer", [1e3 * whole for _, whole in times])
    return table


CASES = {"session": session}
