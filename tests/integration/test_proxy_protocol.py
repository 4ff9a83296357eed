"""PROXY headers in front of HTTPS and HTTP: from listed networks only, and from those always."""

import json
import socket
import ssl
import struct

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import connect, read_to_end, wait_until

HOST = "web." + ZONE
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n"


def v2(command, family, block):
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(block)) + block


def v2_tcp4(client, tlvs=b""):
    return v2(0x21, 0x11, socket.inet_aton(client) + socket.inet_aton("198.51.100.1") +
              struct.pack(">HH", 50000, 443) + tlvs)


def v2_tcp6(client):
    return v2(0x21, 0x21, socket.inet_pton(socket.AF_INET6, client) * 2 +
              struct.pack(">HH", 50000, 443))


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    """IPv4 clients are behind the balancer, IPv6 ones are not."""
    with Edge({"services": [{"name": "web", "url": back.url}],
               "listen": {"proxy_protocol": ["127.0.0.0/8"]},
               "trusted_proxies": ["192.0.2.128/25"],
               "limits": {"header_timeout": "900ms"}}) as e:
        yield e


def tls_over(edge, header, pieces=None):
    """A TLS connection behind HEADER, which is sent in PIECES or at once."""
    raw = connect(edge.https)
    for piece in pieces or [header]:
        raw.sendall(piece)
    return Http1(edge.tls_context().wrap_socket(raw, server_hostname=HOST), HOST)


def seen_as(edge, header, fields=(), **kw):
    """x-forwarded-for as the backend got it."""
    with tls_over(edge, header, **kw) as c:
        a = c.request("GET", "/", fields)
        assert a.status == 200, a
    return dict(a.json()["fields"])["x-forwarded-for"]


@pytest.mark.parametrize("header,client", [
    (V1, "192.0.2.7"),
    (b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n", "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "127.0.0.1"),
    (v2_tcp4("192.0.2.8"), "192.0.2.8"),
    (v2_tcp4("192.0.2.8", b"\x01\0\2h2\x04" + struct.pack(">H", 3000) + bytes(3000)), "192.0.2.8"),
    (v2_tcp6("2001:db8::8"), "2001:db8::8"),
    (v2_tcp6("::ffff:192.0.2.9"), "192.0.2.9"),
    (v2(0x20, 0, b""), "127.0.0.1"),
    (v2(0x21, 0, b"abc"), "127.0.0.1"),
], ids=["v1", "v1-v6", "unknown", "unknown-words", "v2", "v2-tlvs", "v2-v6", "v2-mapped", "local",
        "unspec"])
def test_the_client_is_who_the_header_says(edge, header, client):
    assert seen_as(edge, header) == client


@pytest.mark.parametrize("header", [V1, v2_tcp4("192.0.2.7")], ids=["v1", "v2"])
def test_a_byte_at_a_time(edge, header):
    assert seen_as(edge, header, pieces=[header[i:i + 1] for i in range(len(header))]) == "192.0.2.7"


@pytest.mark.parametrize("header", [V1, v2_tcp4("192.0.2.7")], ids=["v1", "v2"])
def test_tls_in_the_same_segment(edge, header):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = edge.tls_context().wrap_bio(incoming, outgoing, server_hostname=HOST)
    with connect(edge.https) as raw:
        held = header

        def step(f, *args):
            nonlocal held
            while True:
                try:
                    result = f(*args)
                except ssl.SSLWantReadError:
                    result = None
                held += outgoing.read()
                if held:
                    raw.sendall(held)
                    held = b""
                if result is not None:
                    return result
                incoming.write(raw.recv(65536))

        step(lambda: tls.do_handshake() or True)
        step(tls.write, f"GET / HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode())
        assert step(tls.read, 65536).startswith(b"HTTP/1.1 200 ")


def test_a_trusted_proxy_behind_it(edge):
    """trusted_proxies is about the address that the header names."""
    fields = [("x-forwarded-for", "203.0.113.5")]
    assert seen_as(edge, v2_tcp4("192.0.2.200"), fields) == "203.0.113.5, 192.0.2.200"
    assert seen_as(edge, v2_tcp4("192.0.2.7"), fields) == "192.0.2.7"


def test_the_redirect_takes_it_too(edge):
    with connect(edge.http) as raw:
        raw.sendall(v2_tcp4("192.0.2.77") + f"GET /r HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        assert Http1(raw).answer().status == 308
    with connect(edge.http) as raw:
        raw.sendall(V1)
        raw.sendall(f"GET /r HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
        assert Http1(raw).answer().status == 308

    def logged():
        lines = (edge.folder / "access.log").read_text().splitlines()
        return sorted(x["client"] for x in map(json.loads, lines) if x.get("path") == "/r")
    wait_until(lambda: logged() == ["192.0.2.7", "192.0.2.77"], "two lines")


def refused(edge):
    return edge.metric("linkup_proxy_headers_refused_total")


@pytest.mark.parametrize("garbage", [
    b"GET / HTTP/1.1\r\n\r\n", b"PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n",
    b"PROXY UNKNOWN " + b"x" * 94, b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n",
    SIGNATURE + b"\x21\x11\xff\xff", SIGNATURE + b"\x31\x11\0\x0c" + bytes(12), b"\x16\x03\x01",
], ids=["http", "v1-short", "v1-long", "v1-lf", "v2-long", "v2-version", "tls"])
def test_what_is_no_header_ends_the_connection(edge, garbage):
    before = refused(edge)
    with connect(edge.https) as raw:
        raw.sendall(garbage)
        assert read_to_end(raw)[0] == b""
    wait_until(lambda: refused(edge) == before + 1, "it is counted")


@pytest.mark.parametrize("part", [b"", V1[:20], SIGNATURE], ids=["nothing", "v1", "v2"])
def test_a_header_that_does_not_come(edge, part):
    at = edge.mark()
    with connect(edge.https) as raw:
        raw.sendall(part)
        assert read_to_end(raw)[0] == b""
    edge.wait_log("proxy_header_refused", after=at, why="it did not come in time")


def test_a_look_whether_the_port_is_open(edge):
    """A balancer's TCP check is no event."""
    before = refused(edge)
    accepted = edge.metric("linkup_connections_accepted_total")
    connect(edge.https).close()
    wait_until(lambda: edge.metric("linkup_connections_accepted_total") > accepted, "accepted")
    assert seen_as(edge, V1) == "192.0.2.7"
    assert refused(edge) == before


def test_who_is_not_listed_has_no_say(edge):
    """Its header is no TLS; without one it is served as itself."""
    before = refused(edge)
    with connect(edge.https6, "::1") as raw:
        raw.sendall(V1)
        read_to_end(raw)
    with connect(edge.https6, "::1") as raw:
        tls = edge.tls_context().wrap_socket(raw, server_hostname=HOST)
        fields = dict(Http1(tls, HOST).request("GET", "/").json()["fields"])
    assert fields["x-forwarded-for"] == "::1"
    assert refused(edge) == before


def test_the_list_can_change(back):
    with Edge({"services": [{"name": "web", "url": back.url}]}) as edge:
        assert edge.get(HOST).status == 200
        assert edge.reload(listen={"proxy_protocol": ["127.0.0.1"]})[0] == "reloaded"
        assert seen_as(edge, V1) == "192.0.2.7"
        assert edge.probe("/healthz").status == 200
