"""Small WebSocket messages, there and back, over HTTP/1.1 upgrades."""

import base64
import os

from lib import http_servers, report, tls_client
from lib.linkup import ZONE

HOST = f"echo.s.{ZONE}"
MESSAGE = b"\x82\xa0" + b"\0\0\0\0" + b"m" * 32  # binary, masked with zeroes
CONNECTIONS = 32


def _open(ctx, server):
    tls = tls_client.connect(ctx, server.port, HOST)
    key = base64.b64encode(os.urandom(16)).decode()
    tls.sendall((f"GET /ws HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += tls.recv(4096)
    if not head.startswith(b"HTTP/1.1 101"):
        raise SystemExit(f"run: {server.name} opens no WebSocket: {head[:200]!r}")
    return tls


def _take(tls):
    left = len(MESSAGE)
    while left:
        data = tls.recv(left)
        if not data:
            raise SystemExit("run: the server closed a WebSocket")
        left -= len(data)


def websocket(bench):
    servers = bench.once("http", http_servers.start)
    ctx = tls_client.context("http/1.1")
    rounds = bench.work(600, 100)
    open_ones = {name: [_open(ctx, server) for _ in range(CONNECTIONS)] for name, server in servers.items()}

    def load(server, warm):
        """One message under way on each connection."""
        for _ in range(rounds // 4 if warm else rounds):
            for tls in open_ones[server_name[id(server)]]:
                tls.sendall(MESSAGE)
            for tls in open_ones[server_name[id(server)]]:
                _take(tls)
        return rounds * CONNECTIONS

    server_name = {id(server): name for name, server in servers.items()}
    costs = bench.interleave(servers, load)
    for connections in open_ones.values():
        for tls in connections:
            tls.close()
    return report.from_costs("WebSocket messages", "µs/message", 1e6, costs,
                             f"Processor time of the server for one of {len(MESSAGE)} bytes there and back; "
                             f"TLS 1.3, {CONNECTIONS} connections, echoed by the backend.")


CASES = {"websocket": websocket}
