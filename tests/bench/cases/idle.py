"""Memory of connections that have been used once and now wait."""

import time

from lib import http_servers, report, tls_client


def _rss(server):
    time.sleep(0.5)
    return server.process.rss()


def _measure(server, protocol, get, n):
    """Bytes a connection, on a server that has just started."""
    ctx = tls_client.context(protocol)
    open_ones = []

    def more(count):
        for _ in range(count):
            tls = tls_client.connect(ctx, server.port)
            if tls.selected_alpn_protocol() != protocol or tls.session_reused:
                raise SystemExit(f"run: {server.name}: not the connection that was asked for")
            get(tls)
            open_ones.append(tls)

    more(20)  # what the first ones cost is the server's own
    before = _rss(server)
    more(n)
    after = _rss(server)
    get_again(open_ones[-1], protocol)
    for tls in open_ones:
        tls.close()
    return (after - before) / n


def get_again(tls, protocol):
    """They are idle, not closed."""
    if protocol == "http/1.1":
        tls_client.h1_get(tls)
    else:
        tls.sendall(b"\0\0\x08\6\0\0\0\0\0" + b"12345678")  # PING
        tls.recv(4096)


def _case(protocol, get, title):
    def run(bench):
        servers = http_servers.make(bench, "-idle")
        n = bench.work(2000, 500)
        sizes = {name: [] for name in servers}
        for i in range(bench.work(2, 1)):
            for name, server in servers.items():
                report.progress(f"  round {i + 1}: {name}")
                server.start()
                sizes[name].append(_measure(server, protocol, get, n))
                server.stop()
        return report.from_costs(title, "KiB", 1 / 1024, sizes,
                                 f"Resident memory of the server a connection; {n} connections, one request each.")
    return run


CASES = {
    "idle-h2": _case("h2", tls_client.h2_get, "Idle TLS connections, HTTP/2"),
    "idle-h1": _case("http/1.1", tls_client.h1_get, "Idle TLS connections, HTTP/1.1"),
}
