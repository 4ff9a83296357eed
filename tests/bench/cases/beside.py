"""What others cost who are only there: ten thousand idle connections, and a client that does not read."""

import socket
import time

from cases import h2load
from lib import backend, http_servers, machine, report, tls_client
from lib.linkup import HOST


def idle(bench):
    """Memory of each of many, and what a request costs beside them."""
    n = min(bench.work(10_000, 1_000), machine.most_connections() - 100)
    requests = bench.work(12_000, 2_000)
    ctx = tls_client.context("http/1.1")
    weight = report.Table(f"{n:,} idle TLS connections", "KiB", "Resident memory of the server a connection; HTTP/1.1.")
    cost = report.Table(f"A request beside {n:,} idle connections", "µs/request",
                        f"Processor time of the server; HTTP/2, {backend.SMALL} B bodies, 8 connections of 32 streams.")
    for name, server in http_servers.make(bench, "-crowd").items():
        report.progress(f"  {name}")
        server.start()
        options = ("-n", requests, "-c", 8, "-m", 32)
        h2load.run(bench, server, "/small", *options)
        before = server.process.rss()
        crowd = []
        for _ in range(n):
            tls = tls_client.connect(ctx, server.port)
            tls_client.h1_get(tls)
            crowd.append(tls)
        time.sleep(0.5)
        weight.add(name, [(server.process.rss() - before) / n / 1024])
        costs = []
        for _ in range(bench.rounds):
            used = server.process.cpu()
            done = h2load.run(bench, server, "/small", *options)
            costs.append((server.process.cpu() - used) / done * 1e6)
        tls_client.h1_get(crowd[0])  # they are idle, not closed
        for tls in crowd:
            tls.close()
        server.stop()
        cost.add(name, costs)
    return [weight, cost]


def _slow(server):
    """It asks for a large body and reads a little of it."""
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    tcp.connect(("127.0.0.1", server.port))
    tls = tls_client.context("http/1.1").wrap_socket(tcp, server_hostname=HOST)
    tls.sendall(f"GET /big HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
    tls.recv(1024)
    return tls


def slow(bench):
    """The fast ones do not wait for the slow one, nor pay for it."""
    servers = bench.once("http", http_servers.start)
    requests = bench.work(40, 12)
    slow_ones = {name: _slow(server) for name, server in servers.items()}
    wall = {name: [] for name in servers}
    names = {id(server): name for name, server in servers.items()}

    def load(server, warm):
        began = time.perf_counter()
        n = h2load.run(bench, server, "/big", "-n", 4 if warm else requests, "-c", 4, "-m", 1)
        gib = n * backend.BIG / 2**30
        if not warm:
            wall[names[id(server)]].append((time.perf_counter() - began) / gib)
            slow_ones[names[id(server)]].recv(1024)
        return gib

    costs = bench.interleave(servers, load)
    for tls in slow_ones.values():
        tls.close()
    note = "HTTP/2, 4 connections, bodies of 10 MiB one at a time each, beside one client that hardly reads."
    return [report.from_costs("Bodies beside a slow reader", "s/GiB", 1, costs, "Processor time of the server; " + note),
            report.from_costs("Bodies beside a slow reader, wall clock", "s/GiB", 1, wall, note)]


CASES = {"beside-idle": idle, "beside-slow": slow}
