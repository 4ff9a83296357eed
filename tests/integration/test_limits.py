"""Who may use how much: each limit is made small and reached; who stays below it is not touched.

Nothing here measures time: a limit's time is made short, and its end is awaited."""

import contextlib
import select
import socket
import ssl
import struct
import threading
import time

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.http2 import frame
from support.net import PATIENCE, connect, read_to_end, wait_until

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


# --- clients that are slow with bodies
#
# A long time for the edge is a fraction of a second here; a client that is to be found out goes on until
# it has been, and one that must not be does nothing for several times as long.

PACE = {"min_request_rate": 10000, "min_response_rate": 10000, "rate_grace": "250ms"}
LONG = 1.0


@pytest.fixture(name="paced", scope="module")
def fixture_paced(back):
    with one_worker(back, PACE) as e:
        yield e


def slow(edge):
    return edge.metric("linkup_slow_clients_total")


def trickle(sock, piece=b"x"):
    """Sends a byte now and then, until something comes back."""
    try:
        while not select.select([sock], [], [], 0.02)[0]:
            sock.sendall(piece)
    except OSError:
        pass


@pytest.mark.parametrize("framing,piece", [("content-length: 100000", b"x"),
                                           ("transfer-encoding: chunked", b"1\r\nx\r\n")])
def test_a_slow_post(paced, framing, piece):
    before = slow(paced)
    with paced.h1(HOST) as c:
        c.send(f"POST / HTTP/1.1\r\nhost: {HOST}\r\n{framing}\r\n\r\n".encode())
        trickle(c.sock, piece)
        assert c.answer().status == 408
        c.ends()
    assert slow(paced) == before + 1


def test_a_slow_post_over_http2(paced):
    with paced.h2(HOST) as c:
        s = c.start("POST", "/", [("content-length", "100000")], end=False)
        while not select.select([c.sock], [], [], 0.02)[0] or c.step() and not s.over:
            c.data(s, b"x")
        assert s.status == 408
        assert c.request("GET", "/").status == 200


def early(c, _):
    """Answers before it has the body, and goes on."""
    c.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\nbegin")
    c.wait_end()


def test_a_slow_post_that_is_answered_already(paced, back):
    """What is left of a body of known length is due then, too."""
    back.on("/early", early, streaming=True)
    with paced.h1(HOST) as c:
        c.send(f"POST /early HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 100000\r\n\r\n".encode())
        c.head()
        assert c.take(5) == b"begin"
        trickle(c.sock)
        assert c.ends() == b""
    assert back.connections[-1].ended.wait(PATIENCE)


def flood(c, _):
    c.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
    piece = bytes(1 << 20)
    for _ in range(100):
        c.send(piece)


def small_window(edge, alpn):
    """A connection whose client's kernel takes little."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(PATIENCE)
    raw.connect(("127.0.0.1", edge.https))
    return edge.tls_context(alpn=alpn).wrap_socket(raw, server_hostname=HOST)


@pytest.mark.parametrize("reads", [0, 1], ids=["not", "slowly"])
def test_a_slow_read(paced, back, reads):
    back.on("/flood", flood)
    before, n = slow(paced), len(back.connections)
    with Http1(small_window(paced, ["http/1.1"]), HOST) as c:
        c.send(f"GET /flood HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        wait_until(lambda: len(back.connections) > n, "a connection to the backend")
        while not back.connections[n].ended.wait(0.02):
            if reads:
                c.sock.recv(1)
    assert slow(paced) == before + 1


@pytest.mark.parametrize("opens", [0, 1], ids=["not", "slowly"])
def test_a_slow_read_over_http2(paced, back, opens):
    """The window of the stream is the client's, and opens by a byte at a time."""
    back.on("/flood", flood)
    before, n = slow(paced), len(back.connections)
    with paced.h2(HOST, auto_window=False) as c:
        s = c.start("GET", "/flood")
        wait_until(lambda: len(back.connections) > n, "a connection to the backend")
        c.until(lambda: s.received == 65535)
        while not s.over:
            if opens:
                c.h2.increment_flow_control_window(1, s.number)
                c.h2.increment_flow_control_window(1)
                c.flush()
                time.sleep(0.02)  # faster, and it would be told to be calm
            if select.select([c.sock], [], [], 0.02)[0] and not c.step():
                break
        assert s.reset == 8 or c.closed
    assert slow(paced) == before + 1


# --- and those that are not

def test_who_waits_for_the_backend(paced, back):
    """A long poll, and events that come seldom."""
    go = threading.Event()

    def poll(_, __):
        assert go.wait(PATIENCE)
        return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    def events(c, _):
        c.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert go.wait(PATIENCE)
        c.send(b"data: 2\n\n")
        c.close()
    back.on("/poll", poll).on("/events", events)
    before = slow(paced)
    with paced.h1(HOST) as a, paced.h1(HOST) as b, paced.h2(HOST) as c:
        for one in (a, b):
            path = "/poll" if one is a else "/events"
            one.send(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        s, t = c.start("GET", "/poll"), c.start("GET", "/events")
        time.sleep(LONG)
        go.set()
        assert a.answer().body == b"ok" and c.finish(s).body == b"ok"
        assert b.answer().body == c.finish(t).body == b"data: 1\n\ndata: 2\n\n"
    assert slow(paced) == before


@pytest.mark.parametrize("front", ["h1", "h2"])
def test_whose_backend_is_slow(paced, back, front):
    """An upload that the backend takes late is not the client's fault."""
    size = 4 << 20

    def late(c, r):
        time.sleep(LONG)
        c.read_body(r)
        return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    back.on("/late", late, streaming=True)
    with getattr(paced, front)(HOST) as c:
        a = c.request("POST", "/late", body=bytes(size))
        assert a.status == 200 and a.body == b"ok"


def test_calls_that_rest(paced, back):
    """A stream of messages has no rate."""
    def call(c, r):
        c.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n\r\n")
        c.read_body(r)
        c.close()
    back.on("/call", call, streaming=True)
    with paced.h2(HOST) as c:
        s = c.start("POST", "/call", [("content-type", "application/grpc+proto")], end=False)
        c.data(s, b"first")
        time.sleep(LONG)
        c.data(s, b"last", end=True)
        assert c.finish(s).status == 200
    assert back.last.body == b"firstlast"


def test_a_client_that_awaits_consent(paced, back):
    def consent(c, r):
        time.sleep(LONG)
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.read_body(r)
        return b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    back.on("/consent", consent, streaming=True)
    with paced.h1(HOST) as c:
        c.send(f"POST /consent HTTP/1.1\r\nhost: {HOST}\r\nexpect: 100-continue\r\n"
               "content-length: 3\r\n\r\n".encode())
        assert c.head(interims=False).status == 100
        c.send(b"abc")
        assert c.answer().status == 200


# --- heads

def test_a_head_has_its_time_however_it_comes(back):
    """Also behind other requests, with empty lines before it, and a byte at a time."""
    with one_worker(back, {"header_timeout": "500ms"}) as edge, edge.h1(HOST) as c:
        assert c.request("GET", "/").status == 200
        c.send(b"\r\nG")
        trickle(c.sock, b"E")
        assert c.answer().status == 408
        c.ends()


def test_a_head_over_http2_has_its_time(back):
    with one_worker(back, {"header_timeout": "300ms"}) as edge, edge.h2(HOST) as c:
        assert c.request("GET", "/").status == 200
        c.raw(frame("HEADERS", 0, 3, b"\x82"))
        c.ends()


# --- configuration

@pytest.mark.parametrize("key,value", [
    ("max_connections_per_address", -1), ("max_handshakes", 0), ("min_request_rate", "fast"),
    ("min_response_rate", 1000000001), ("rate_grace", "1ms"), ("rate_grace", 5),
])
def test_limits_that_are_none(key, value):
    edge = Edge({"limits": {key: value}}, start=False)
    r = edge.run("--check")
    lines = edge.file.read_text().splitlines()
    at = 1 + next(i for i, line in enumerate(lines) if line.strip().startswith(key))
    assert r.returncode == 1
    assert f"{edge.file}:{at}: limits.{key}: " in r.stdout + r.stderr, r
    edge.close()
