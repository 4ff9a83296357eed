"""WebSockets: HTTP/1.1 clients and HTTP/2 clients (RFC 8441) alike; bytes untouched, ends passed on, and no
connection a tunnel that should not be one."""

import asyncio
import contextlib
import hashlib
import json
import signal
import socket
import ssl
import threading
from urllib.parse import unquote

import pytest
import websockets

from support import node
from support.backend import Backend, Gone, reply
from support.browser import open_page
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import PATIENCE, connect, wait_until
from support.websocket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, VERSION, ClientH1,
                               ClientH2, Ended, PeerH1, accept_of, echo, new_key, take_up)

HOST = "web." + ZONE
FRONTS = ["h1", "h2"]


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url},
                            {"name": "dead", "url": "http://127.0.0.1:1"}]}) as e:
        yield e


@pytest.fixture(autouse=True)
def fixture_fresh(back):
    back.forget()
    back.scripts.clear()
    back.keep_raw = True
    back.on("/ws", echo, streaming=True)


@pytest.fixture(name="front", params=FRONTS)
def fixture_front(request):
    return request.param


def ask(edge, front, host=HOST, **kw):
    """Asks for a WebSocket over a connection of its own."""
    if front == "h1":
        return ClientH1(edge.h1(host), **kw)
    return ClientH2(edge.h2(host), **kw)


@contextlib.contextmanager
def opened(edge, front, **kw):
    c = ask(edge, front, **kw)
    assert c.is_open, c.answer
    try:
        yield c
    finally:
        c.close()


def pattern(n):
    block = hashlib.sha256(b"websocket").digest() * 2048
    return (block * (n // len(block) + 1))[:n]


@pytest.fixture(name="held")
def fixture_held(back):
    held = PeerH1()
    back.on("/held", held, streaming=True)
    yield held
    held.over.set()


# --- the handshake

def test_both_sides_see_their_own_handshake(edge, back, front):
    fields = [("sec-websocket-protocol", "chat, superchat"),
              ("sec-websocket-extensions", "permessage-deflate; client_max_window_bits"),
              ("origin", f"https://{HOST}"), ("cookie", "a=1")]

    def answer(c, r):
        take_up(c, r, [("sec-websocket-protocol", "superchat"),
                       ("sec-websocket-extensions", "permessage-deflate"),
                       ("set-cookie", "b=2"), ("set-cookie", "c=3")])
        c.wait_end()

    back.on("/ws", answer, streaming=True)
    with opened(edge, front, fields=fields) as c:
        a = c.answer
        assert a.status == (101 if front == "h1" else 200)
        assert a.get("sec-websocket-protocol") == "superchat"
        assert a.get("sec-websocket-extensions") == "permessage-deflate"
        assert a.all("set-cookie") == ["b=2", "c=3"] and a.get("via") == "1.1 linkup"
        assert not a.get("content-length") and not a.get("transfer-encoding")
        assert (a.get("upgrade"), a.get("connection")) == \
            (("websocket", "upgrade") if front == "h1" else (None, None))
        r = back.wait()
    assert (r.method, r.target, r.version) == ("GET", "/ws", "HTTP/1.1")
    assert r.all("upgrade") == ["websocket"] and r.all("connection") == ["upgrade"]
    assert len(r.all("sec-websocket-key")) == 1 and r.all("sec-websocket-version") == ["13"]
    for name, value in fields:
        assert r.all(name) == [value]
    assert not r.get("content-length") and not r.get("transfer-encoding")
    assert r.get("x-forwarded-host") == f"{HOST}:{edge.https}" and r.get("x-request-id")
    assert r.get("via") == ("1.1 linkup" if front == "h1" else "2.0 linkup")


def test_sessions_and_explanations_hold(edge, front):
    with Backend("mine") as mine:
        mine.on("/base/ws", echo, streaming=True)
        edge.session("hooked", {"web": {"url": mine.url + "/base", "host": "preserve"}})
        host = f"web.hooked.{ZONE}"
        with opened(edge, front, host=host, fields=[("linkup-explain", "1")]) as c:
            assert c.answer.get("linkup-session") == "hooked"
            assert c.answer.get("linkup-backend") == "session"
            c.ws.message(b"hello")
            assert c.ws.receive() == b"hello"
        r = mine.wait()
        assert r.get("host") == f"{host}:{edge.https}" or r.get("host") == host
        assert "linkup-session=hooked" in r.get("baggage")
    edge.end_session("hooked")


def test_context_leads_to_the_session(edge, front):
    """A page of the session opens a WebSocket to a shared host: its origin tells."""
    with Backend("mine") as mine:
        mine.on("/ws", echo, streaming=True)
        edge.session("pages", {"web": {"url": mine.url}})
        with opened(edge, front, fields=[("origin", f"https://web.pages.{ZONE}")]):
            assert mine.wait().path == "/ws"
    edge.end_session("pages")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 426, 302, 500])
def test_a_refusal_is_an_ordinary_response(edge, back, front, status):
    back.on("/ws", reply(status, [("x-why", "because")], b"no"))
    c = ask(edge, front)
    try:
        if front == "h1":
            assert c.answer.status == status and c.http.take(2) == b"no"
            assert c.http.request("GET", "/next").status == 200  # the connection is HTTP's still
        else:
            s = c.http.finish(c.stream)
            assert s.status == status and s.body == b"no" and s.ended
            assert c.http.request("GET", "/next").status == 200
        assert c.answer.get("x-why") == "because"
        assert len({r.conn for r in back.seen()}) == 1, "neither is the backend's connection lost"
    finally:
        c.close()


def test_an_ordinary_answer_opens_nothing(edge, back, front):
    """For HTTP/2 a 200 would be consent."""
    back.on("/ws", reply(200, [], b"hello"))
    c = ask(edge, front)
    try:
        if front == "h1":
            assert c.answer.status == 200 and c.http.take(5) == b"hello"
            assert c.http.request("GET", "/next").status == 200
        else:
            s = c.http.finish(c.stream)
            assert s.status == 502 and b"did not open the WebSocket" in s.body
    finally:
        c.close()


@pytest.mark.parametrize("host, status", [("dead." + ZONE, 502), ("web.nobody." + ZONE, 404)])
def test_errors_of_the_edge_are_ordinary_responses(edge, front, host, status):
    c = ask(edge, front, host=host, fields=[("accept", "application/json")])
    try:
        if front == "h1":
            body = c.http.take(int(c.answer.get("content-length")))
        else:
            body = c.http.finish(c.stream).body
        assert c.answer.status == status and json.loads(body)["status"] == status
    finally:
        c.close()


def test_the_edge_itself_offers_none(edge, front):
    c = ask(edge, front, host="edge." + ZONE, path="/v1/ca.pem")
    try:
        assert c.answer.status == (200 if front == "h1" else 502)
    finally:
        c.close()


# --- bytes

@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20])
def test_messages_of_every_size(edge, back, front, size):
    back.keep_raw = False
    data = pattern(size)
    with opened(edge, front) as c:
        c.ws.message(data)
        assert c.ws.receive() == data


def test_a_thousand_messages_one_by_one(edge, front):
    with opened(edge, front) as c:
        for i in range(1000):
            c.ws.message(b"%d" % i)
            assert c.ws.receive() == b"%d" % i


def test_many_small_messages_at_once(edge, front):
    """What comes in one piece may leave in one; none is lost or changed."""
    with opened(edge, front) as c:
        for i in range(2000):
            c.ws.message(b"%d" % i)
        for i in range(2000):
            assert c.ws.receive() == b"%d" % i


def test_fragments_and_control_frames_between(edge, front):
    with opened(edge, front) as c:
        c.ws.frame(TEXT, b"one ", fin=False)
        c.ws.frame(PING, b"still there?")
        c.ws.frame(CONTINUATION, b"two ", fin=False)
        c.ws.frame(CONTINUATION, b"three")
        assert [c.ws.read() for _ in range(4)] == [
            (TEXT, False, b"one "), (PONG, True, b"still there?"),
            (CONTINUATION, False, b"two "), (CONTINUATION, True, b"three")]


def test_bytes_that_are_no_frames_pass_too(edge, held, front):
    with opened(edge, front, path="/held") as c:
        held.wait()
        junk = b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n" + bytes(range(256))
        c.ws.send(junk)
        assert held.conn.take(len(junk)) == junk
        held.conn.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        assert c.ws.take(38) == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def test_the_first_message_may_come_with_the_101(edge, back, front):
    def greet(c, r):
        take_up(c, r, more=b"\x82\x05hello")
        c.wait_end()

    back.on("/ws", greet, streaming=True)
    with opened(edge, front) as c:
        assert c.ws.receive() == b"hello"


def test_a_client_that_does_not_read_is_waited_for(edge, held, front):
    """What it says meanwhile passes; then it gets all there is."""
    n = 24 << 20
    with opened(edge, front, path="/held") as c:
        held.wait()
        writer = threading.Thread(target=held.ws.message, args=(pattern(n),), daemon=True)
        writer.start()
        for i in range(50):
            c.ws.message(b"%d" % i)
            assert held.ws.receive() == b"%d" % i
        assert writer.is_alive(), "more than all buffers hold"
        assert c.ws.receive() == pattern(n)
        writer.join(PATIENCE)


def test_both_directions_at_once(edge, held, front):
    n = 8 << 20
    with opened(edge, front, path="/held") as c:
        held.wait()
        got = []
        writer = threading.Thread(target=held.conn.send, args=(pattern(n),), daemon=True)
        reader = threading.Thread(target=lambda: got.append(held.conn.take(n)), daemon=True)
        writer.start()
        reader.start()
        data = pattern(n)
        if front == "h1":
            c.http.pump(data[i:i + 65536] for i in range(0, n, 65536))
        else:
            c.ws.send(data)
        assert c.ws.take(n) == data
        reader.join(PATIENCE)
        assert got == [data]


# --- ends

def test_closing_by_the_book(edge, held, front):
    with opened(edge, front, path="/held") as c:
        held.wait()
        c.ws.frame(CLOSE, b"\x03\xe8done")
        assert held.ws.read() == (CLOSE, True, b"\x03\xe8done")
        held.ws.frame(CLOSE, b"\x03\xe8done")
        held.conn.sock.shutdown(socket.SHUT_WR)
        assert c.ws.read() == (CLOSE, True, b"\x03\xe8done")
        assert c.ends() == b""
        if front == "h2":
            c.end()
        else:
            c.close()
        assert held.conn.wait_end() == "end"


def test_the_backends_end_is_passed_on(edge, held, front):
    with opened(edge, front, path="/held") as c:
        held.wait()
        held.ws.message(b"last words")
        held.conn.sock.shutdown(socket.SHUT_WR)
        assert c.ws.receive() == b"last words"
        with pytest.raises(Ended):
            c.ws.read()
        # The other direction goes on.
        c.ws.message(b"one more")
        assert held.ws.receive() == b"one more"


def test_the_clients_end_is_passed_on_over_h2(edge, held):
    with opened(edge, "h2", path="/held") as c:
        held.wait()
        c.http.data(c.stream, b"last words", end=True)
        assert held.conn.take(10) == b"last words"
        assert held.conn.wait_end() == "end"
        held.ws.message(b"one more")
        assert c.ws.receive() == b"one more"
        held.conn.sock.shutdown(socket.SHUT_WR)
        c.http.until(lambda: c.stream.ended, "the end")
        assert c.http.request("GET", "/next").status == 200


class Tls:
    """A TLS connection that can end its side and go on reading."""

    def __init__(self, edge, host):
        self.raw = connect(edge.https)
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = edge.tls_context().wrap_bio(self.inward, self.outward, server_hostname=host)
        self.do(self.tls.do_handshake)

    def flush(self):
        if data := self.outward.read():
            self.raw.sendall(data)

    def do(self, what, *args):
        while True:
            try:
                out = what(*args)
                self.flush()
                return out
            except ssl.SSLWantReadError:
                self.flush()
                data = self.raw.recv(65536)
                if data:
                    self.inward.write(data)
                else:
                    self.inward.write_eof()

    def sendall(self, data):
        self.do(self.tls.write, data)

    def recv(self, n):
        try:
            return self.do(self.tls.read, n)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def end(self):
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.flush()
        self.raw.shutdown(socket.SHUT_WR)

    def close(self):
        self.raw.close()


def test_the_clients_end_is_passed_on_over_h1(edge, held):
    tls = Tls(edge, HOST)
    c = ClientH1(Http1(tls, HOST), path="/held")
    assert c.is_open
    held.wait()
    c.ws.message(b"last words")
    tls.end()
    assert held.ws.receive() == b"last words"
    assert held.conn.wait_end() == "end"
    held.ws.message(b"one more")
    assert c.ws.receive() == b"one more"
    held.conn.sock.shutdown(socket.SHUT_WR)
    assert c.http.take(1) == b""
    tls.close()


def test_a_client_that_vanishes_takes_its_backend_along(edge, held, front):
    with opened(edge, front, path="/held") as c:
        held.wait()
        c.ws.message(b"last words")
        c.vanish()
        assert held.ws.receive() == b"last words"
        assert held.conn.wait_end()
    # Closed altogether, not one side only: what is written now is answered with a reset.
    def refused():
        try:
            held.conn.sock.send(b"is anybody there")
            return False
        except OSError:
            return True
    wait_until(refused, "the edge has closed the backend's connection")


def test_a_reset_stream_takes_its_backend_along(edge, held):
    with opened(edge, "h2", path="/held") as c:
        held.wait()
        c.http.reset(c.stream)
        assert held.conn.wait_end()
        assert c.http.request("GET", "/next").status == 200


def test_a_client_that_goes_before_the_answer_calls_it_off(edge, back, front):
    came, ended = threading.Event(), []

    def silent(c, _):
        came.set()
        ended.append(c.wait_end())

    back.on("/ws", silent, streaming=True)
    if front == "h1":
        c = edge.h1(HOST)
        c.send((f"GET /ws HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                f"sec-websocket-key: {new_key()}\r\n\r\n").encode())
    else:
        c = edge.h2(HOST)
        c.start(headers=[(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                         (":authority", HOST), (":path", "/ws"), VERSION], end=False)
    assert came.wait(PATIENCE)
    c.close()
    wait_until(lambda: ended, "the backend sees the end")


@pytest.mark.parametrize("reset", [False, True])
def test_a_backend_that_vanishes_is_told(edge, held, front, reset):
    with opened(edge, front, path="/held") as c:
        held.wait()
        with contextlib.suppress(Gone):
            held.conn.close(reset=reset)
        assert c.ends() == b""
        if front == "h2":
            assert c.stream.reset == (8 if reset else None)  # RFC 8441 5: CANCEL
            assert c.http.request("GET", "/next").status == 200


def test_silence_ends_one_in_the_end(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}],
               "limits": {"upgrade_idle": "300ms"}}) as edge:
        with opened(edge, front) as c:
            for _ in range(3):
                c.ws.message(b"x")
                assert c.ws.receive() == b"x"
            assert c.ends() == b""


# --- no tunnel where there is none

UPGRADE = "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"


@pytest.mark.parametrize("answer", [
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    "HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: h2c\r\nsec-websocket-accept: ACCEPT\r\n\r\n",
    "HTTP/1.1 101 X\r\nupgrade: websocket\r\nsec-websocket-accept: ACCEPT\r\n\r\n",
], ids=["bare", "no accept", "another's accept", "another protocol", "no connection"])
def test_a_false_101_is_a_bad_gateway(edge, back, front, answer):
    def false(c, r):
        accept = accept_of(r.get("sec-websocket-key"))
        c.send(answer.replace("ACCEPT", accept).encode())
        c.wait_end()

    back.on("/ws", false, streaming=True)
    c = ask(edge, front)
    try:
        assert c.answer.status == 502
        back.wait()
    finally:
        c.close()


def test_a_101_without_being_asked_is_a_bad_gateway(edge, back):
    def unasked(c, _):
        c.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
               b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        c.wait_end()

    back.on("/ws", unasked, streaming=True)
    assert edge.get(HOST, "/ws").status == 502
    assert edge.get2(HOST, "/ws").status == 502


def test_a_fake_version_smuggles_nothing(edge, back):
    """The backend refuses the version; a proxy that does not look tunnels what follows."""
    back.on("/ws", reply(426, [("sec-websocket-version", "13")], b"no"))
    with edge.h1(HOST) as c:
        c.send((f"GET /ws HTTP/1.1\r\nhost: {HOST}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                f"sec-websocket-version: 1337\r\nsec-websocket-key: {new_key()}\r\n\r\n"
                f"GET /hidden HTTP/1.1\r\nhost: {HOST}\r\n\r\n").encode())
        a = c.answer()
        assert a.status == 426 and a.get("connection") == "close"
        assert c.ends() == b""
    assert [r.target for r in back.seen()] == ["/ws"]
    assert back.last.get("sec-websocket-version") == "1337"


def test_a_status_that_the_client_chose_smuggles_nothing(edge, back):
    """A backend that can be made to answer 101 to anything (a health check that repeats a status)."""
    def repeats(c, r):
        c.send(b"HTTP/1.1 %s X\r\ncontent-length: 0\r\n\r\n" % r.target.split("=")[1].encode())

    back.on("/ws", repeats)
    with edge.h1(HOST) as c:
        c.send((f"GET /ws?status=101 HTTP/1.1\r\nhost: {HOST}\r\n{UPGRADE}"
                f"sec-websocket-key: {new_key()}\r\n\r\n"
                f"GET /hidden HTTP/1.1\r\nhost: {HOST}\r\n\r\n").encode())
        assert c.answer().status == 502
        assert c.ends() == b""
    assert all(r.path == "/ws" for r in back.seen())


@pytest.mark.parametrize("key", ["", "AAAA", "dGhlIHNhbXBsZSBub25jZQ=", "not base64 at all!!!!=="])
def test_a_false_key_is_refused_at_the_door(edge, back, key):
    with edge.h1(HOST) as c:
        c.send(f"GET /ws HTTP/1.1\r\nhost: {HOST}\r\n{UPGRADE}sec-websocket-key: {key}\r\n\r\n"
               .encode())
        a = c.answer()
        assert a.status == 400 and b"Sec-WebSocket-Key" in a.body
        assert c.ends() == b""
    assert back.seen() == []


@pytest.mark.parametrize("lines", [
    "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
    "connection: upgrade\r\nupgrade: TLS/1.0\r\n",
    "upgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
], ids=["h2c", "tls", "connection does not name it"])
def test_other_upgrades_are_not_passed_on(edge, back, lines):
    back.on("/ws", back.echo)
    with edge.h1(HOST) as c:
        c.send(f"GET /ws HTTP/1.1\r\nhost: {HOST}\r\n{lines}\r\n".encode())
        assert c.answer().status == 200
        assert c.request("GET", "/next").status == 200
    r = back.seen()[0]
    assert not r.get("upgrade") and not r.get("connection") and not r.get("http2-settings")


@pytest.mark.parametrize("headers, status", [
    ([(":method", "CONNECT"), (":authority", HOST)], 501),
    ([(":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"),
      (":authority", HOST), (":path", "/ws")], 501),
    ([(":method", "GET"), (":protocol", "websocket"), (":scheme", "https"),
      (":authority", HOST), (":path", "/ws")], None),
    ([(":method", "CONNECT"), (":protocol", "websocket"), (":authority", HOST)], None),
], ids=["plain", "another protocol", "protocol without CONNECT", "no path"])
def test_other_connects_are_refused(edge, back, headers, status):
    with edge.h2(HOST) as c:
        s = c.start(headers=headers, end=False)
        c.until(lambda: s.over or s.status, "an answer")
        assert s.status == status
        assert status or s.reset == 1
    assert back.seen() == []


def test_an_http10_client_gets_no_websocket(edge, back):
    back.on("/ws", back.echo)
    with edge.h1(HOST) as c:
        c.send(f"GET /ws HTTP/1.0\r\nhost: {HOST}\r\n{UPGRADE}sec-websocket-key: {new_key()}\r\n\r\n"
               .encode())
        assert c.answer().status == 200
    assert not back.last.get("upgrade")


# --- beside others, and through changes

def test_many_on_one_connection_beside_requests(edge, back):
    back.on("/slow", lambda c, r: back.echo(c, r))
    with edge.h2(HOST) as c:
        sockets = [ClientH2(c) for _ in range(40)]
        requests = [c.start(path=f"/{i}") for i in range(40)]
        for i, s in enumerate(sockets):
            s.ws.message(b"%d" % i)
        for i, s in enumerate(sockets):
            assert s.ws.receive() == b"%d" % i
        for i, s in enumerate(requests):
            assert c.finish(s).json()["target"] == f"/{i}"
        c.reset(sockets[0].stream)
        for s in sockets[1:]:
            s.ws.message(b"again")
            assert s.ws.receive() == b"again"


def test_changes_leave_open_ones_alone(edge, back, front):
    with Backend("mine") as mine, Backend("other") as other:
        mine.on("/ws", echo, streaming=True)
        edge.session("moving", {"web": {"url": mine.url}})
        with opened(edge, front) as shared, \
                opened(edge, front, host=f"web.moving.{ZONE}") as own:
            def both(text):
                for c in (shared, own):
                    c.ws.message(text)
                    assert c.ws.receive() == text
            both(b"before")
            edge.session("moving", {"web": {"url": other.url}})
            both(b"after the session has changed")
            assert edge.get(f"web.moving.{ZONE}").get("x-backend") == "other"
            edge.end_session("moving")
            both(b"after it has ended")
            assert edge.get(f"web.moving.{ZONE}").status == 404
            services = [{"name": "web", "url": other.url}]
            assert edge.reload(services=services)[0] == "reloaded"
            both(b"after a reload")
            assert edge.get(HOST).get("x-backend") == "other"
            edge.reload(services=[{"name": "web", "url": back.url},
                                  {"name": "dead", "url": "http://127.0.0.1:1"}])
            both(b"and another")


def test_a_drain_lets_them_end(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}], "drain": "60s"}) as edge:
        with opened(edge, front) as c:
            edge.signal(signal.SIGTERM)
            edge.wait_log("draining")
            for _ in range(3):
                c.ws.message(b"still here")
                assert c.ws.receive() == b"still here"
            if front == "h2":
                c.http.until(lambda: c.http.goaway is not None, "GOAWAY")
                assert c.http.goaway == 0
            c.ws.frame(CLOSE, b"\x03\xe9")
            assert c.ws.read()[0] == CLOSE
            c.ends()
            c.close()
            assert edge.wait() == 0


def test_a_drains_end_cuts_them(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}], "drain": "1s"}) as edge:
        with opened(edge, front) as c:
            edge.signal(signal.SIGTERM)
            if front == "h1":
                c.ends()
            else:
                assert c.http.ends()
            assert edge.wait() == 0


# --- seen

def test_metrics_and_the_access_log_tell(edge, held, front):
    opened_before = edge.metric("linkup_websockets_total")
    wait_until(lambda: edge.metric("linkup_websockets_open") == 0, "all others are over")
    with opened(edge, front, path="/held") as c:
        held.wait()
        assert edge.metric("linkup_websockets_open") == 1
        assert edge.metric("linkup_websockets_total") == opened_before + 1
        c.ws.send(b"x" * 1000)
        assert held.conn.take(1000)
        held.conn.send(b"y" * 3000)
        assert c.ws.take(3000)
        held.conn.sock.shutdown(socket.SHUT_WR)
        assert c.ends() == b""
        if front == "h2":
            c.end()
        else:
            c.close()
        wait_until(lambda: edge.metric("linkup_websockets_open") == 0, "it is over")

    def line():
        lines = [json.loads(x) for x in (edge.folder / "access.log").read_text().splitlines()]
        found = [x for x in lines if x.get("path") == "/held" and x["request_bytes"] == 1000]
        return [x for x in found if x["front"] == front]

    found = wait_until(line, "the access log has it")
    assert len(found) == 1
    assert found[0]["status"] == 101 and found[0]["response_bytes"] == 3000
    assert found[0]["service"] == "web" and found[0]["end"] == "complete"


# --- clients and servers of others

def test_websockets_of_python(edge):
    """Python's `websockets`, at both ends."""
    async def run():
        seen = {}

        async def serve(ws):
            seen["protocol"], seen["via"] = ws.subprotocol, ws.request_headers["via"]
            async for message in ws:
                await ws.send(message)

        async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=["chat"],
                                    max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(edge.session, "pythons",
                                    {"web": {"url": f"http://127.0.0.1:{port}"}})
            host = f"web.pythons.{ZONE}"
            async with websockets.connect(f"wss://{host}:{edge.https}/", host="127.0.0.1",
                                          port=edge.https, ssl=edge.tls_context(None),
                                          server_hostname=host, subprotocols=["x", "chat"],
                                          max_size=None) as ws:
                for message in ("", "text \u00fc", b"", b"bytes", pattern(1 << 20), "y" * 70000):
                    await ws.send(message)
                    assert await ws.recv() == message
                assert await asyncio.wait_for(await ws.ping(), PATIENCE) is None or True
                assert ws.subprotocol == "chat"
                await ws.close(4000, "enough")
                assert (ws.close_code, ws.close_reason) == (4000, "enough")
        assert seen == {"protocol": "chat", "via": "1.1 linkup"}

    asyncio.run(asyncio.wait_for(run(), PATIENCE * 2))
    edge.end_session("pythons")


def test_ws_of_npm(edge):
    """npm's `ws`, at both ends."""
    server = node.start("ws_server.js", text=True)
    try:
        port = int(server.stdout.readline())
        edge.session("nodes", {"web": {"url": f"http://127.0.0.1:{port}"}})
        url = f"wss://web.nodes.{ZONE}:{edge.https}/chat?x=1"
        client = node.start("ws_client.js", url, str(edge.https), str(edge.ca_file), text=True)
        out, _ = client.communicate(timeout=PATIENCE * 2)
        told = json.loads(out)
        assert told["echoed"] == 7 and told["pongs"] == 1
        assert (told["code"], told["reason"]) == (4321, "that is all")
        assert "permessage-deflate" in told["extensions"] and told["protocol"] == "other"
        seen = json.loads(server.stdout.readline())
        assert seen["messages"] == 7 and seen["code"] == 4321
        assert seen["url"] == "/chat?x=1" and seen["via"] == "1.1 linkup"
        assert "permessage-deflate" in seen["extensions"]
    finally:
        server.kill()
        server.communicate()
    edge.end_session("nodes")


PAGE = b"""<!doctype html><title>websocket</title><script>
const ws = new WebSocket(`wss://${location.host}/ws`), got = [];
ws.binaryType = 'arraybuffer';
const done = (what) => fetch('/done?' + encodeURIComponent(JSON.stringify(what)));
ws.onopen = () => { ws.send('text'); ws.send(new Uint8Array(100000).fill(7)); };
ws.onmessage = (e) => {
  got.push(typeof e.data === 'string' ? e.data : e.data.byteLength);
  if (got.length === 2) ws.close(4001, 'bye');
};
ws.onclose = (e) => done({got, code: e.code, clean: e.wasClean});
</script>"""


def test_chromium_over_http2(edge, back):
    """A browser loads a page over HTTP/2 and opens its WebSocket on the same connection (RFC 8441)."""
    back.on("/page", reply(200, [("content-type", "text/html")], PAGE))
    with open_page(edge.url(HOST, "/page"), [HOST]):
        done = back.wait(lambda r: r.path == "/done", seconds=PATIENCE * 3)
    assert json.loads(unquote(done.target.split("?", 1)[1])) == \
        {"got": ["text", 100000], "code": 4001, "clean": True}
    asked = back.seen(lambda r: r.path == "/ws")
    assert len(asked) == 1 and asked[0].get("via") == "2.0 linkup"
    assert asked[0].get("origin") == f"https://{HOST}:{edge.https}"
