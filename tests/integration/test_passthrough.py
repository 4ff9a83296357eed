"""Services whose TLS goes through unread: found by SNI, bytes untouched, no HTTP on the way."""

import json
import socket
import ssl
import struct
import threading

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import PATIENCE, connect, free_port, read_to_end, wait_until
from support.pki import Issuer

VAULT, SAFE = "vault." + ZONE, "safe." + ZONE
UNRECOGNIZED_NAME, INTERNAL_ERROR = 112, 80


class Authority(Issuer):
    """The backends' own, which the edge knows nothing of."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def leaf(self, *hosts):
        self.write(self.folder, hosts[0], hosts)
        return self.folder / f"{hosts[0]}.pem", self.folder / f"{hosts[0]}.key"


@pytest.fixture(name="issuer", scope="module")
def fixture_issuer(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(name="vault", scope="module")
def fixture_vault(issuer):
    """Terminates TLS itself, with a certificate of its own authority."""
    with Backend("vault", tls=issuer.leaf(VAULT, SAFE, "*." + SAFE)) as b:
        yield b


@pytest.fixture(name="web", scope="module")
def fixture_web():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(vault, web):
    with Edge({"services": [{"name": "web", "url": web.url},
                            {"name": "vault", "url": vault.url, "passthrough": True},
                            {"name": "gone", "url": f"https://127.0.0.1:{free_port()}",
                             "passthrough": True}],
               "domains": [{"domain": SAFE, "default_service": "vault"}],
               "listen": {"proxy_protocol": ["127.0.0.2"]},
               "limits": {"handshake_timeout": "900ms"}}) as e:
        yield e


def context(issuer, alpn=("http/1.1",)):
    """Trusts the backend's authority, and nobody else's."""
    c = ssl.create_default_context(cadata=issuer.pem)
    c.set_alpn_protocols(list(alpn))
    return c


def through(edge, issuer, host=VAULT, sock=None, **kw):
    raw = sock or connect(edge.https)
    return Http1(context(issuer, **kw).wrap_socket(raw, server_hostname=host), host)


def hello_bytes(issuer, host=VAULT):
    out = ssl.MemoryBIO()
    tls = context(issuer).wrap_bio(ssl.MemoryBIO(), out, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


def lines(edge, **wanted):
    text = (edge.folder / "access.log").read_text()
    return [x for x in map(json.loads, text.splitlines())
            if all(x.get(k) == v for k, v in wanted.items())]


def alert_of(raw):
    """The alert that ends the connection."""
    data, _ = read_to_end(raw)
    assert len(data) == 7 and data[0] == 21 and data[3:6] == b"\0\2\2", data
    return data[6]


# --- where it goes

@pytest.mark.parametrize("host", [VAULT, SAFE, "sub." + SAFE])
def test_the_backend_ends_tls_itself(edge, vault, issuer, host):
    if host.startswith("sub."):
        edge.session("sub")
    with through(edge, issuer, host) as c:
        assert c.sock.selected_alpn_protocol() == "http/1.1"
        a = c.request("GET", "/x")
        assert a.status == 200 and a.get("x-backend") == "vault"
        assert a.get("via") is None
    assert vault.last.get("host") == host
    assert vault.last.get("x-forwarded-for") is None


def test_a_session_has_its_own(edge, issuer):
    with Backend("peter", tls=issuer.leaf(f"vault.peter.{ZONE}")) as mine:
        edge.session("peter", {"vault": mine.url})
        with through(edge, issuer, f"vault.peter.{ZONE}") as c:
            assert c.request("GET", "/").get("x-backend") == "peter"
        with through(edge, issuer) as c:
            assert c.request("GET", "/").get("x-backend") == "vault"


def test_a_sessions_plain_copy_is_served_as_any_other(edge, issuer, web):
    edge.session("plain", {"vault": web.url})
    a = edge.get(f"vault.plain.{ZONE}")
    assert a.status == 200 and a.get("x-backend") == "web" and "linkup" in a.get("via")


def test_other_services_are_not_touched(edge):
    a = edge.get("web." + ZONE)
    assert a.status == 200 and a.get("x-backend") == "web"
    assert edge.get2("web." + ZONE).status == 200


@pytest.mark.parametrize("ask", ["get", "get2"])
def test_http_for_it_is_misdirected(edge, ask):
    """A browser that shares the connection for another host is told to open one of its own."""
    assert getattr(edge, ask)(VAULT, sni="web." + ZONE).status == 421


def test_an_unknown_session(edge, issuer):
    with connect(edge.https) as raw:
        raw.sendall(hello_bytes(issuer, f"vault.nobody.{ZONE}"))
        assert alert_of(raw) == UNRECOGNIZED_NAME


def test_a_backend_that_is_not_there(edge, issuer):
    with connect(edge.https) as raw:
        raw.sendall(hello_bytes(issuer, "gone." + ZONE))
        assert alert_of(raw) == INTERNAL_ERROR
    wait_until(lambda: lines(edge, service="gone"), "its line")
    assert lines(edge, service="gone")[0]["end"] == "back-broke"


# --- the ClientHello

def records(message, sizes):
    """MESSAGE cut into records of these sizes, the last one repeated."""
    out, sizes = b"", list(sizes)
    while message:
        n = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        out += b"\x16\x03\x01" + struct.pack(">H", len(message[:n])) + message[:n]
        message = message[n:]
    return out


@pytest.mark.parametrize("sizes", [[1, 3, 100], [4, 50], [200, 1]])
@pytest.mark.parametrize("step", [1, 7, 100000])
def test_a_hello_in_pieces(edge, issuer, vault, sizes, step):
    """Cut into records and segments, it reaches the backend as it was sent."""
    raw_back = socket.create_server(("127.0.0.1", 0))
    edge.session("pieces", {"vault": f"https://127.0.0.1:{raw_back.getsockname()[1]}"})
    sent = records(hello_bytes(issuer, f"vault.pieces.{ZONE}")[5:], sizes) + b"behind"
    with connect(edge.https) as raw:
        for i in range(0, len(sent), step):
            raw.sendall(sent[i:i + step])
        peer, _ = raw_back.accept()
        peer.settimeout(PATIENCE)
        got = b""
        while len(got) < len(sent):
            got += peer.recv(65536)
        assert got == sent
        peer.sendall(b"anything")
        assert raw.recv(100) == b"anything"
        peer.close()
    raw_back.close()


def long_hello(host, size):
    """A ClientHello of SIZE bytes, by an extension that nobody knows."""
    name = host.encode()
    sni = struct.pack(">HHBH", len(name) + 5, len(name) + 3, 0, len(name)) + name
    extensions = b"\0\0" + sni
    start = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0"
    pad = size - len(start) - 2 - len(extensions) - 4
    extensions += struct.pack(">HH", 0xfafa, pad) + bytes(pad)
    body = start + struct.pack(">H", len(extensions)) + extensions
    assert len(body) == size
    return b"\1" + struct.pack(">I", size)[1:] + body


def test_the_longest_hello(edge, issuer):
    raw_back = socket.create_server(("127.0.0.1", 0))
    edge.session("long", {"vault": f"https://127.0.0.1:{raw_back.getsockname()[1]}"})
    sent = records(long_hello(f"vault.long.{ZONE}", 16384), [1000])
    with connect(edge.https) as raw:
        raw.sendall(sent)
        peer, _ = raw_back.accept()
        peer.settimeout(PATIENCE)
        got = b""
        while len(got) < len(sent):
            got += peer.recv(65536)
        assert got == sent
        peer.close()
    with connect(edge.https) as raw:
        raw.sendall(records(long_hello(f"vault.long.{ZONE}", 16385), [1000]))
        data, reset = read_to_end(raw)
        assert reset or data[0] == 21
    raw_back.close()


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
def test_a_hello_that_does_not_come(edge, sent):
    with connect(edge.https) as raw:
        raw.sendall(sent)
        assert read_to_end(raw)[0] == b""


def test_behind_a_proxy_header(edge, issuer):
    raw = socket.create_connection(("127.0.0.1", edge.https), source_address=("127.0.0.2", 0))
    raw.sendall(b"PROXY TCP4 192.0.2.99 198.51.100.1 50000 443\r\n")
    with through(edge, issuer, sock=raw) as c:
        assert c.request("GET", "/").status == 200
    wait_until(lambda: lines(edge, service="vault", client="192.0.2.99"), "its line")


# --- the bytes

def test_much_both_ways(edge, issuer, vault):
    body = bytes(range(256)) * (4 << 12)
    with through(edge, issuer) as c:
        a = c.request("POST", "/much", body=body)
        assert a.status == 200 and a.json()["body"].encode("latin-1") == body


def test_a_slow_reader_holds_up_the_backend(edge, issuer, vault):
    """64 MiB for a client that does not read stay with the backend, not in the edge."""
    size, sent = 64 << 20, threading.Event()

    def much(c, _):
        c.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        c.send(bytes(size))
        sent.set()
    vault.on("/flood", much)
    before = edge.rss_kib()
    with through(edge, issuer) as c:
        c.send(f"GET /flood HTTP/1.1\r\nhost: {VAULT}\r\n\r\n".encode())
        c.head()
        assert not sent.is_set()
        assert edge.rss_kib() - before < 16 << 10
        assert len(c.take(size)) == size
    assert sent.wait(PATIENCE)


def raw_pair(edge, issuer, name):
    """A session whose backend is a plain socket; both ends, connected."""
    listener = socket.create_server(("127.0.0.1", 0))
    edge.session(name, {"vault": f"https://127.0.0.1:{listener.getsockname()[1]}"})
    raw = connect(edge.https)
    hello = hello_bytes(issuer, f"vault.{name}.{ZONE}")
    raw.sendall(hello)
    peer, _ = listener.accept()
    listener.close()
    peer.settimeout(PATIENCE)
    got = b""
    while len(got) < len(hello):
        got += peer.recv(65536)
    assert got == hello
    return raw, peer, len(hello)


@pytest.mark.parametrize("first", ["client", "backend"])
def test_each_side_ends_by_itself(edge, issuer, first):
    raw, peer, hello = raw_pair(edge, issuer, "half-" + first)
    one, other = (raw, peer) if first == "client" else (peer, raw)
    one.sendall(b"last words")
    one.shutdown(socket.SHUT_WR)
    assert read_to_end(other) == (b"last words", False)
    other.sendall(b"x" * 100000)
    other.close()
    assert read_to_end(one) == (b"x" * 100000, False)
    one.close()
    wait_until(lambda: lines(edge, session="half-" + first), "its line")
    line = lines(edge, session="half-" + first)[0]
    assert line["end"] == "complete" and line["front"] == "raw" and line["back"] == "raw"
    sizes = {"client": (10, 100000), "backend": (100000, 10)}[first]
    assert (line["request_bytes"], line["response_bytes"]) == (hello + sizes[0], sizes[1])
    assert "status" not in line and "method" not in line and line["service"] == "vault"


def test_the_client_goes(edge, issuer):
    raw, peer, _ = raw_pair(edge, issuer, "goes")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.close()
    read_to_end(peer)
    wait_until(lambda: lines(edge, session="goes"), "its line")
    assert lines(edge, session="goes")[0]["end"] == "client-gone"


def test_the_backend_breaks(edge, issuer):
    raw, peer, _ = raw_pair(edge, issuer, "breaks")
    peer.sendall(b"half an answer")
    assert raw.recv(100) == b"half an answer"
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    assert read_to_end(raw)[0] == b""
    wait_until(lambda: lines(edge, session="breaks"), "its line")
    assert lines(edge, session="breaks")[0]["end"] == "back-broke"


def test_it_is_counted(edge, issuer):
    total = edge.metric("linkup_passthrough_total")
    raw, peer, _ = raw_pair(edge, issuer, "counted")
    assert edge.metric("linkup_passthrough_total") == total + 1
    assert edge.metric("linkup_passthrough_open") >= 1
    raw.close()
    read_to_end(peer)
    peer.close()
    wait_until(lambda: edge.metric("linkup_passthrough_open") == 0, "it has ended")


def test_silence_ends_it(vault, issuer):
    with Edge({"services": [{"name": "vault", "url": vault.url, "passthrough": True}],
               "limits": {"upgrade_idle": "300ms"}}) as edge:
        with through(edge, issuer) as c:
            assert c.request("GET", "/").status == 200
            assert c.ends() == b""
        wait_until(lambda: lines(edge, service="vault"), "its line")
        assert lines(edge, service="vault")[0]["end"] == "limit"


def test_a_stop_ends_it(vault, issuer):
    with Edge({"services": [{"name": "vault", "url": vault.url, "passthrough": True}],
               "drain": "100ms"}) as edge:
        with through(edge, issuer) as c:
            assert c.request("GET", "/").status == 200
            edge.stop()
            assert c.ends() == b""
        assert lines(edge, service="vault")[0]["end"] == "drain"


# --- configuration

@pytest.mark.parametrize("service,at,why", [
    ({"url": "http://vault.internal"}, "services[0].passthrough", "needs an https:// url"),
    ({"url": "https://vault.internal/base"}, "services[0].url", "must not have a path"),
    ({"url": "https://vault.internal", "rewrites": [{"source": "^/a", "target": "/b"}]},
     "services[0].rewrites", "have no use"),
])
def test_what_cannot_be_passed_through(service, at, why):
    edge = Edge({"services": [{"name": "vault", "passthrough": True, **service}]}, start=False)
    r = edge.run("--check")
    assert r.returncode == 1 and at in r.stdout + r.stderr and why in r.stdout + r.stderr, r
    edge.close()
