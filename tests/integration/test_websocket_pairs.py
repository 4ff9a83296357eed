"""WebSockets in every pairing: HTTP/1.1 and HTTP/2 clients, backends that speak HTTP/1.1 or HTTP/2, in clear
and under TLS; and over TLS those that prefer HTTP/2, but have WebSockets on HTTP/1.1 only."""

import contextlib
import hashlib
import threading

import h2.settings
import pytest

from support.backend import Backend, reply
from support.backend_h2 import BackendH2
from support.edge import ZONE, Edge
from support.net import PATIENCE
from support.pki import Issuer
from support.websocket import (BINARY, CLOSE, CONTINUATION, PING, TEXT, ClientH1, ClientH2, Ended,
                               PeerH1, PeerH2)

OFFERS = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
BACKS = ["h1", "h1s", "h2c", "h2s"]
# Python's TLS connections do not bear two threads.
DUPLEX = ["h1", "h2c", "h2s"]


@pytest.fixture(name="pki", scope="module")
def fixture_pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    issuer = Issuer("ours")
    (folder / "ca.pem").write_text(issuer.pem)
    issuer.write(folder, "back", ["localhost"])
    return folder


@pytest.fixture(name="backs", scope="module")
def fixture_backs(pki):
    tls = (str(pki / "back.pem"), str(pki / "back.key"))
    with Backend("h1", keep_raw=False) as h1, Backend("h1s", tls=tls, keep_raw=False) as h1s, \
            BackendH2("h2c", settings=OFFERS) as h2c, \
            BackendH2("h2s", tls=tls, settings=OFFERS) as h2s, \
            BackendH2("mute") as mute:
        yield {"h1": h1, "h1s": h1s, "h2c": h2c, "h2s": h2s, "mute": mute}


@pytest.fixture(name="edge", scope="module")
def fixture_edge(backs, pki):
    def service(name, back):
        if not back.tls:
            return {"name": name, "url": back.url}
        return {"name": name, "url": f"https://localhost:{back.port}",
                "tls": {"ca": str(pki / "ca.pem")}}

    with Edge({"workers": 1, "services": [service(n, b) for n, b in backs.items()]}) as e:
        yield e


@pytest.fixture(name="front", params=["h1", "h2"])
def fixture_front(request):
    return request.param


@pytest.fixture(name="kind", params=BACKS)
def fixture_kind(request):
    return request.param


def listen(back, peer, path="/ws"):
    if isinstance(back, Backend):
        back.on(path, peer, streaming=True)
    else:
        back.on(path, peer)


@pytest.fixture(name="peer")
def fixture_peer(backs, kind):
    peer = PeerH1() if kind.startswith("h1") else PeerH2()
    backs[kind].forget()
    listen(backs[kind], peer)
    yield peer
    peer.over.set()


def ask(edge, front, kind, **kw):
    host = f"{kind}.{ZONE}"
    return ClientH1(edge.h1(host), **kw) if front == "h1" else ClientH2(edge.h2(host), **kw)


@contextlib.contextmanager
def opened(edge, front, kind, **kw):
    c = ask(edge, front, kind, **kw)
    assert c.is_open, (c.answer, bytes(c.answer.body))
    try:
        yield c
    finally:
        c.close()


def pattern(n):
    block = hashlib.sha256(b"pairs").digest() * 2048
    return (block * (n // len(block) + 1))[:n]


def test_the_handshake_of_each_side(edge, peer, front, kind):
    fields = [("sec-websocket-protocol", "chat"), ("sec-websocket-extensions", "x-y; z"),
              ("origin", f"https://{kind}.{ZONE}")]
    with opened(edge, front, kind, fields=fields) as c:
        peer.wait()
        assert c.answer.status == (101 if front == "h1" else 200)
        assert c.answer.get("via") == ("1.1 linkup" if kind.startswith("h1") else "2.0 linkup")
        assert not c.answer.get("content-length")
        r = peer.request
        for name, value in fields + [("sec-websocket-version", "13"),
                                     ("via", "1.1 linkup" if front == "h1" else "2.0 linkup")]:
            assert r.all(name) == [value]
        assert r.target == "/ws" and r.get("x-request-id")
        if kind.startswith("h1"):
            assert r.method == "GET" and len(r.all("sec-websocket-key")) == 1
        else:
            assert r.scheme == ("https" if kind == "h2s" else "http") and r.authority
            assert not r.get("sec-websocket-key") and not r.get("upgrade")
        if front == "h2":
            assert not c.answer.get("sec-websocket-accept") and not c.answer.get("upgrade")


@pytest.mark.parametrize("size", [1, 65536, 4 << 20])
def test_messages(edge, peer, front, kind, size):
    data = pattern(size)
    with opened(edge, front, kind) as c:
        peer.wait()
        c.ws.message(data)
        assert peer.ws.receive() == data
        writer = threading.Thread(target=peer.ws.message, args=(data,), daemon=True)
        writer.start()
        assert c.ws.receive() == data
        writer.join(PATIENCE)


def test_a_thousand_messages_one_by_one(edge, peer, front, kind):
    with opened(edge, front, kind) as c:
        peer.wait()
        for i in range(1000):
            c.ws.message(b"%d" % i)
            peer.ws.message(peer.ws.receive())
            assert c.ws.receive() == b"%d" % i


def test_fragments(edge, peer, front, kind):
    frames = [(TEXT, False, b"one "), (PING, True, b"?"), (CONTINUATION, False, b"two "),
              (CONTINUATION, True, b"three"), (BINARY, True, b"")]
    with opened(edge, front, kind) as c:
        peer.wait()
        for opcode, fin, data in frames:
            c.ws.frame(opcode, data, fin)
            peer.ws.frame(opcode, data, fin)
        assert [peer.ws.read() for _ in frames] == frames
        assert [c.ws.read() for _ in frames] == frames


@pytest.mark.parametrize("kind", DUPLEX, indirect=True)
def test_a_client_that_does_not_read_is_waited_for(edge, peer, front, kind):
    n = 24 << 20
    with opened(edge, front, kind) as c:
        peer.wait()
        writer = threading.Thread(target=peer.ws.message, args=(pattern(n),), daemon=True)
        writer.start()
        for i in range(50):
            c.ws.message(b"%d" % i)
            assert peer.ws.receive() == b"%d" % i
        assert writer.is_alive(), "more than all buffers hold"
        assert c.ws.receive() == pattern(n)
        writer.join(PATIENCE)


@pytest.mark.parametrize("kind", DUPLEX, indirect=True)
def test_both_directions_at_once(edge, peer, front, kind):
    n = 4 << 20
    data, got = pattern(n), []
    with opened(edge, front, kind) as c:
        peer.wait()
        threads = [threading.Thread(target=peer.send, args=(data,), daemon=True),
                   threading.Thread(target=lambda: got.append(peer.take(n)), daemon=True)]
        for t in threads:
            t.start()
        if front == "h1":
            c.http.pump(data[i:i + 65536] for i in range(0, n, 65536))
        else:
            c.ws.send(data)
        assert c.ws.take(n) == data
        for t in threads:
            t.join(PATIENCE)
        assert got == [data]


def test_closing_by_the_book(edge, peer, front, kind):
    with opened(edge, front, kind) as c:
        peer.wait()
        c.ws.frame(CLOSE, b"\x03\xe8done")
        assert peer.ws.read() == (CLOSE, True, b"\x03\xe8done")
        peer.ws.frame(CLOSE, b"\x03\xe8done")
        peer.end()
        assert c.ws.read() == (CLOSE, True, b"\x03\xe8done")
        assert c.ends() == b""
        if front == "h2":
            c.end()
        else:
            c.close()
        assert peer.wait_end()


def test_the_backends_end_is_passed_on(edge, peer, front, kind):
    with opened(edge, front, kind) as c:
        peer.wait()
        peer.ws.message(b"last words")
        peer.end()
        assert c.ws.receive() == b"last words"
        with pytest.raises(Ended):
            c.ws.read()
        if kind == "h1s":
            return  # Python's TLS ends both ways at once
        c.ws.message(b"one more")
        assert peer.ws.receive() == b"one more"


def test_the_clients_end_is_passed_on(edge, peer, kind):
    with opened(edge, "h2", kind) as c:
        peer.wait()
        c.http.data(c.stream, b"last words", end=True)
        assert peer.take(10) == b"last words"
        assert peer.wait_end() == "end"
        if kind != "h1s":
            peer.ws.message(b"one more")
            assert c.ws.receive() == b"one more"
        peer.end()
        c.http.until(lambda: c.stream.over, "the end")
        assert c.stream.ended
        assert c.http.request("GET", "/next").status == 200


def test_a_client_that_vanishes_takes_its_backend_along(edge, peer, front, kind):
    with opened(edge, front, kind) as c:
        peer.wait()
        c.ws.message(b"last words")
        assert peer.ws.receive() == b"last words"
        c.vanish()
        assert peer.wait_end()
    if kind in ("h2c", "h2s"):
        assert peer.stream.conn.over.is_set() is False, "only its stream"
        assert edge.get(f"{kind}.{ZONE}").status == 200


def test_a_backend_that_vanishes_is_told(edge, peer, front, kind):
    with opened(edge, front, kind) as c:
        peer.wait()
        peer.vanish()
        assert c.ends() == b""
        if front == "h2":
            assert c.stream.reset == 8  # RFC 8441 5: CANCEL
            assert c.http.request("GET", "/next").status == 200


def test_a_refusal_is_an_ordinary_response(edge, backs, front, kind):
    back = backs[kind]
    if kind.startswith("h1"):
        back.on("/no", reply(403, [("x-why", "because")], b"no"))
    else:
        back.on("/no", lambda s: s.reply(403, [("x-why", "because")], b"no"))
    c = ask(edge, front, kind, path="/no")
    try:
        assert c.answer.status == 403 and c.answer.get("x-why") == "because"
        if front == "h1":
            assert c.http.take(2) == b"no"
        else:
            assert c.http.finish(c.stream).body == b"no"
        assert c.http.request("GET", "/next").status == 200
        if kind.startswith("h2"):
            s = [s for s in back.requests if s.path == "/no"][-1]
            back.until(lambda: s.whole or s.reset is not None, "the end of the request's stream")
    finally:
        c.close()


def test_many_streams_of_one_backends_connection(edge, backs):
    peers = [PeerH2() for _ in range(30)]
    for i, p in enumerate(peers):
        backs["h2c"].on(f"/ws{i}", p)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(opened(edge, "h1" if i % 2 else "h2", "h2c", path=f"/ws{i}"))
                   for i in range(len(peers))]
        for i, (c, p) in enumerate(zip(clients, peers)):
            p.wait()
            c.ws.message(b"%d" % i)
        for i, (c, p) in enumerate(zip(clients, peers)):
            assert p.ws.receive() == b"%d" % i
            p.ws.message(b"and back")
            assert c.ws.receive() == b"and back"
        assert len({p.stream.conn for p in peers}) == 1
        for p in peers:
            p.over.set()


# --- where HTTP/2 does not offer them (RFC 8441 3)

def test_h2c_without_websockets_is_a_bad_gateway(edge, backs, front):
    backs["mute"].forget()
    c = ask(edge, front, "mute")
    try:
        assert c.answer.status == 502
    finally:
        c.close()
    assert backs["mute"].requests == [], "it was not even asked"


@pytest.fixture(name="both", scope="module")
def fixture_both(pki):
    """Prefers HTTP/2, which does not offer WebSockets; over HTTP/1.1 it has them."""
    with BothWays(pki) as b:
        yield b


class BothWays(BackendH2):
    def __init__(self, pki):
        self.h1 = Backend("h1 of both")
        super().__init__("both", tls=(pki / "back.pem", pki / "back.key"), alpn=("h2", "http/1.1"))

    def _serve(self, sock):
        sock = self.tls.wrap_socket(sock, server_side=True)
        if sock.selected_alpn_protocol() == "http/1.1":
            self.h1.adopt(sock)
        else:
            self.adopt(sock)

    def close(self):
        super().close()
        self.h1.close()


def test_https_without_websockets_on_http2_is_asked_over_http1(both, pki, front):
    with Edge({"workers": 1, "services": [
            {"name": "both", "url": f"https://localhost:{both.port}",
             "tls": {"ca": str(pki / "ca.pem")}}]}) as edge:
        for i in range(3):
            peer = PeerH1()
            both.h1.on("/ws", peer, streaming=True)
            with opened(edge, front, "both") as c:
                peer.wait()
                c.ws.message(b"hello %d" % i)
                assert peer.ws.receive() == b"hello %d" % i
            peer.over.set()
            # Other requests stay with HTTP/2.
            assert edge.get(f"both.{ZONE}").json()["backend"] == "both"
