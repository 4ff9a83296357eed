"""Who may use how much: each limit is made small and reached; who stays below it is not touched.

Nothing here measures time: a limit's time is made short, and its end is awaited."""

import contextlib
import socket
import ssl
import struct

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import connect, read_to_end, wait_until

HOST = "web." + ZONE


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


def one_worker(back, limits, **more):
    return Edge({"services": [{"name": "web", "url": back.url}], "workers": 1, "limits": limits,
                 **more})


# --- connections and handshakes

def header(client):
    v6 = ":" in client
    family = socket.AF_INET6 if v6 else socket.AF_INET
    block = socket.inet_pton(family, client) * 2 + struct.pack(">HH", 50000, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, 0x21 if v6 else 0x11]) + \
        struct.pack(">H", len(block)) + block


def test_connections_of_one_address(back):
    """Addresses are made with PROXY headers, for loopback is not limited."""
    with one_worker(back, {"max_connections_per_address": 2},
                    listen={"proxy_protocol": ["127.0.0.1"]},
                    trusted_proxies=["198.51.100.0/24"]) as edge, contextlib.ExitStack() as stack:

        def come(client):
            raw = stack.enter_context(connect(edge.https))
            raw.sendall(header(client) if client else b"PROXY UNKNOWN\r\n")
            tls = edge.tls_context().wrap_socket(raw, server_hostname=HOST)
            c = stack.enter_context(Http1(tls, HOST))
            assert c.request("GET", "/").status == 200
            return c

        first = {client: [come(client), come(client)]
                 for client in ("192.0.2.1", "192.0.2.2", "2001:db8::1")}
        for client in ("192.0.2.1", "2001:db8::2", "2001:db8:0:0:9::"):
            with pytest.raises((ssl.SSLError, OSError)):
                come(client)
        assert edge.metric("linkup_connections_refused_total") == 3
        edge.wait_log("too_many_connections", client="192.0.2.1", connections=2)
        for client in ("2001:db8:0:1::1", "198.51.100.1", "198.51.100.1", "198.51.100.1", None,
                       None, None):
            come(client)
        assert first["192.0.2.1"][0].request("GET", "/").status == 200
        first["192.0.2.1"][0].close()
        wait_until(lambda: edge.metric("linkup_connections_open") == 13, "it has gone")
        come("192.0.2.1")


def test_handshakes_at_once(back):
    """Those that were begun and left lying go when others come, and nobody else does."""
    with one_worker(back, {"max_handshakes": 3}) as edge:
        with edge.h1(HOST) as served, contextlib.ExitStack() as stack:
            assert served.request("GET", "/").status == 200  # so the edge has seen its Finished

            def begin(text=b""):
                s = stack.enter_context(connect(edge.https))
                s.sendall(text)
                return s

            first, second, _ = begin(), begin(b"\x16\x03\x01"), begin()
            for dropped, oldest in enumerate((first, second), 1):
                assert edge.get(HOST).status == 200
                assert read_to_end(oldest)[0] == b""
                assert edge.metric("linkup_tls_dropped_total") == dropped
                begin()
            assert served.request("GET", "/").status == 200
