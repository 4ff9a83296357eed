"""HTTP/1.1 towards clients and backends: what is ambiguous is refused, limits hold, bodies stream."""

import hashlib
import random
import socket
import ssl
import threading
import time

import pytest

from support.backend import Backend, Gone, reply
from support.edge import SANITIZED, ZONE, Edge
from support.http1 import NoAnswer
from support.net import PATIENCE

HOST = "web." + ZONE
H = f"Host: {HOST}\r\n".encode()


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # bound, not listening: refuses
    with Edge({
        "services": [
            {"name": "web", "url": back.url},
            {"name": "refuses", "url": f"http://127.0.0.1:{closed.getsockname()[1]}"},
            {"name": "nameless", "url": "http://no-such-host.invalid:80"},
        ],
        "limits": {"header_timeout": "700ms", "response_timeout": "1200ms", "idle_timeout": "4s"},
    }) as e:
        yield e
    closed.close()


@pytest.fixture(name="patient", scope="module")
def fixture_patient(back):
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        yield e


@pytest.fixture(autouse=True)
def fixture_fresh(back):
    back.forget()
    back.scripts.clear()


# --- what is refused (attacks/ has the rest)

def get(rest=b"", line=b"GET /a HTTP/1.1", host=H):
    return line + b"\r\n" + host + rest + b"\r\n"


def post(rest, body=b"", line=b"POST /a HTTP/1.1"):
    return line + b"\r\n" + H + rest + b"\r\n" + body


TE = b"Transfer-Encoding: chunked\r\n"


def connection(edge, way):
    return edge.h1(HOST) if way == "tls" else edge.plain()


def expect_refusal(c, statuses):
    a = c.answer()
    assert a.status in (statuses if isinstance(statuses, tuple) else (statuses,)), a
    assert a.get("connection") == "close", a
    assert c.ends() == b"", "nothing may follow a refusal"
    return a


@pytest.mark.parametrize("host", ["", "web.linkup.test:x", "a" * 300, "a..b"])
def test_hosts_that_are_none(edge, host):
    with edge.h1(HOST) as c:
        c.send(get(host=b"Host: %s\r\n" % host.encode()))
        expect_refusal(c, 400)


# --- limits

def test_targets_up_to_16_kib(edge, back):
    path = "/" + "a" * (16 * 1024 - 1)
    assert edge.get(HOST, path).status == 200
    assert back.last.target == path
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /" + b"a" * (16 * 1024) + b" HTTP/1.1"))
        expect_refusal(c, 414)
    with edge.h1(HOST) as c:
        c.send(b"GET /" + b"a" * 200000)
        expect_refusal(c, 414)


def test_heads_up_to_64_kib_and_200_fields(edge, back):
    assert edge.get(HOST, fields={"x": "y" * 60000}).status == 200
    assert back.last.get("x") == "y" * 60000
    for data in (b"X: " + b"y" * 66000 + b"\r\n",
                 b"".join(b"X%d: %s\r\n" % (i, b"y" * 1000) for i in range(70)),
                 b"X: 1\r\n" * 201):
        with edge.h1(HOST) as c:
            c.send(get(data))
            expect_refusal(c, 431)
    assert edge.get(HOST, fields=[("x", "1")] * 180).status == 200
    assert len(back.last.all("x")) == 180
    with edge.h1(HOST) as c:
        c.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 300000)  # and no end
        expect_refusal(c, 431)


@pytest.mark.parametrize("way", ["tls", "plain"])
@pytest.mark.parametrize("sent", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: "])
def test_a_head_has_its_time(edge, way, sent):
    with connection(edge, way) as c:
        c.send(sent)
        expect_refusal(c, 408)


def test_a_head_that_trickles_has_no_more_time(edge):
    """Each byte must not begin the time anew (slowloris)."""
    with edge.h1(HOST) as c:
        c.sock.settimeout(0.05)
        data, i, end = b"GET / HTTP/1.1\r\nX: ", -1, time.monotonic() + PATIENCE
        while time.monotonic() < end:
            i += 1
            try:
                c.send(data[i:i + 1] or b"x")
            except OSError:
                break
            try:
                if c.sock.recv(1, ) is not None:
                    break
            except (socket.timeout, ssl.SSLWantReadError):
                continue
        else:
            raise AssertionError("still open")


def test_a_silent_connection_is_closed(edge):
    with edge.h1(HOST) as c:
        assert c.ends() == b""
    with edge.plain() as c:
        assert c.ends() == b""


# --- connections

def test_keep_alive_and_the_pool(edge, back):
    with edge.h1(HOST) as c:
        ports = set()
        for i in range(20):
            a = c.request(target=f"/{i}")
            assert a.status == 200 and a.get("connection") is None
            ports.add(back.last.conn)
        assert len(ports) == 1, "one connection to the backend serves them all"


def test_pipelining(edge, back):
    n = 50
    with edge.h1(HOST) as c:
        c.send(b"".join(get(line=b"GET /%d HTTP/1.1" % i) if i % 3 else
                        post(b"Content-Length: 2\r\n", b"%02d" % i, b"POST /%d HTTP/1.1" % i)
                        for i in range(n)))
        for i in range(n):
            a = c.answer()
            assert a.status == 200 and a.json()["target"] == f"/{i}"
            assert a.json()["body"] == ("" if i % 3 else f"{i:02d}")
    assert [r.target for r in back.seen()] == [f"/{i}" for i in range(n)]


def test_pipelining_behind_a_refusal(edge, back):
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /1 HTTP/1.1") + get(b"X Y: 1\r\n") + get(line=b"GET /evil HTTP/1.1"))
        assert c.answer().status == 200
        expect_refusal(c, 400)
    assert [r.target for r in back.seen()] == ["/1"]


def test_connection_close(edge):
    with edge.h1(HOST) as c:
        a = c.request(fields={"connection": "close"})
        assert a.status == 200 and a.get("connection") == "close" and a.whole
        assert c.ends() == b""


def test_http10(edge, back):
    back.on("/chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET / HTTP/1.0"))
        a = c.answer()
        assert a.status == 200 and a.get("connection") == "close" and c.ends() == b""
    assert back.last.version == "HTTP/1.1"
    with edge.h1(HOST) as c:
        for _ in range(2):
            c.send(get(b"Connection: keep-alive\r\n", b"GET / HTTP/1.0"))
            a = c.answer()
            assert a.status == 200 and a.get("connection") == "keep-alive"
        c.send(get(b"Connection: keep-alive\r\n", b"GET /chunks HTTP/1.0"))
        a = c.answer()
        assert (a.framing, a.body, a.get("connection")) == ("close", b"abcdef", "close")


def test_plain_http_is_redirected(edge):
    with edge.plain() as c:
        for method in ("GET", "HEAD", "POST"):
            a = c.request(method, "/x/y?z=1&a=%20", host=HOST + ":80")
            assert a.status == 308
            assert a.get("location") == edge.url(HOST, "/x/y?z=1&a=%20")
        a = c.request(host="WEB.linkup.test.", target="*", method="OPTIONS")
        assert a.status in (204, 308, 400, 404)


# --- bodies

def pattern(n, seed=1):
    block = hashlib.sha256(bytes([seed])).digest() * 2048
    return (block * (n // len(block) + 1))[:n]


@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_both_ways(patient, back, chunked):
    """50 MiB up and the same back, through buffers that hold a small part of it."""
    body = pattern(50 << 20)

    def mirror(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in c.pieces(r):
            c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        c.send(b"0\r\n\r\n")

    back.on("/mirror", mirror, streaming=True)
    back.keep_raw = False
    before = patient.rss_kib()
    with patient.h1(HOST) as c:
        head = b"Transfer-Encoding: chunked\r\n" if chunked else b"Content-Length: %d\r\n" % len(body)

        def pieces():
            view = memoryview(body)
            for at in range(0, len(view), 65536):
                piece = bytes(view[at:at + 65536])
                yield b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
            if chunked:
                yield b"0\r\n\r\n"

        c.send(post(head, line=b"POST /mirror HTTP/1.1"))
        c.pump(pieces())
        a = c.answer()
    back.keep_raw = True
    assert a.status == 200 and a.whole
    assert hashlib.sha256(a.body).digest() == hashlib.sha256(body).digest()
    assert patient.rss_kib() - before < 30000 or SANITIZED


def test_a_body_that_trickles(edge, back):
    with edge.h1(HOST) as c:
        c.send(post(TE, line=b"POST /slow HTTP/1.1"))
        for i in range(50):
            for byte in b"1\r\n%c\r\n" % (97 + i % 26):
                c.send(bytes([byte]))
        c.send(b"0\r\n\r\n")
        assert c.answer().status == 200
    assert back.last.body == bytes(97 + i % 26 for i in range(50))


def test_a_body_that_stops_is_given_up(edge, back):
    ended = threading.Event()

    def read(c, r):
        try:
            c.read_body(r)
        finally:
            ended.set()

    back.on("/stops", read, streaming=True)
    with edge.h1(HOST) as c:
        c.send(post(b"Content-Length: 10\r\n", b"12345", b"POST /stops HTTP/1.1"))
        a = c.answer()
        assert a.status in (408, 504) and a.get("connection") == "close"
        c.ends()
    assert ended.wait(PATIENCE)


def test_an_answer_before_the_body(edge, back):
    """A backend may refuse an upload early: the client gets to know."""
    def refuse(c, _):
        c.send(reply(413, {"connection": "close"}, b"too much"))
        c.wait_end()

    back.on("/early", refuse, streaming=True)
    with edge.h1(HOST) as c:
        c.send(post(b"Content-Length: 1000000\r\n", b"x" * 1000, b"POST /early HTTP/1.1"))
        a = c.answer()
        assert a.status == 413 and a.body == b"too much" and a.get("connection") == "close"
        c.ends()


def test_body_that_ends_with_the_connection(edge, back):
    def answer(c, _):
        c.send(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(10):
            c.send(b"0123456789")
        c.close()

    back.on("/until-close", answer)
    with edge.h1(HOST) as c:
        for _ in range(3):
            a = c.request(target="/until-close")
            assert (a.framing, a.body, a.whole) == ("chunked", b"0123456789" * 10, True)


def test_events_pass_at_once(edge, back):
    """Server-sent events: each is there before the next is sent."""
    step = threading.Semaphore(0)

    def events(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            assert step.acquire(timeout=PATIENCE)
            data = b"data: %d\n\n" % i
            c.send(b"%x\r\n%s\r\n" % (len(data), data))
        c.send(b"0\r\n\r\n")

    back.on("/events", events)
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /events HTTP/1.1"))
        assert c.head().status == 200
        for i in range(5):
            step.release()
            data = b"data: %d\n\n" % i
            want = b"%x\r\n%s\r\n" % (len(data), data)
            assert c.take(len(want)) == want


def test_trailers_both_ways(edge, back):
    back.on("/trailers", lambda c, r: b"HTTP/1.1 200 OK\r\nTrailer: x-sum\r\n"
                                      b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
                                      b"X-Sum: 42\r\nContent-Length: 9\r\n\r\n")
    with edge.h1(HOST) as c:
        c.send(post(TE + b"Trailer: x-up\r\n", b"3\r\nabc\r\n0\r\nX-Up: 1\r\nHost: evil\r\n\r\n",
                    b"POST /trailers HTTP/1.1"))
        a = c.answer()
    assert a.trailers == [("x-sum", "42")], "framing fields are no trailers"
    assert back.last.trailers == [("x-up", "1")]


# --- clients that go

@pytest.mark.parametrize("when", ["before the head", "in the body"])
def test_a_client_that_goes_cancels_the_backend(edge, back, when):
    started, ended = threading.Event(), threading.Event()

    def answer(c, _):
        if when == "in the body":
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        started.set()
        c.wait_end()
        ended.set()

    back.on("/gone", answer)
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /gone HTTP/1.1"))
        assert started.wait(PATIENCE)
        if when == "in the body":
            c.head()
            c.take(1)
    assert ended.wait(PATIENCE)


def test_a_client_that_goes_while_it_uploads(edge, back):
    ended = threading.Event()

    def read(c, r):
        try:
            c.read_body(r)
        finally:
            ended.set()

    back.on("/upload", read, streaming=True)
    with edge.h1(HOST) as c:
        c.send(post(b"Content-Length: 1000000\r\n", b"x" * 1000, b"POST /upload HTTP/1.1"))
        back.wait(lambda r: r.target == "/upload")
    assert ended.wait(PATIENCE)
    assert not back.last.whole


def test_a_client_that_does_not_read_holds_no_memory(edge, back):
    """The backend is slowed down; other connections go on."""
    sent = []

    def flood(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        c.sock.settimeout(1)
        try:
            for i in range(1000):
                c.sock.sendall(b"x" * 1000000)
                sent.append(i)
        except OSError:
            pass
        c.close()

    back.on("/flood", flood)
    before = edge.rss_kib()
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /flood HTTP/1.1"))
        assert c.head().status == 200
        for _ in range(20):
            assert edge.get(HOST, "/other").status == 200
        assert edge.rss_kib() - before < 20000 or SANITIZED
    assert len(sent) < 100


# --- backends that fail (attacks/ has those that lie)

BROKEN = {
    "half a head": b"HTTP/1.1 200 OK\r\nX: ",
    "another protocol": b"220 mail.example.net ESMTP\r\n\r\n",
    "huge head": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000 + b"\r\nContent-Length: 0\r\n\r\n",
}


def send_and_close(data, reset=False):
    def answer(c, _):
        c.send(data)
        c.close(reset)
    return answer


@pytest.mark.parametrize("what", BROKEN)
def test_a_backend_that_speaks_no_http(edge, back, what):
    back.on("/broken", send_and_close(BROKEN[what]))
    with edge.h1(HOST) as c:
        a = c.request(target="/broken", fields={"accept": "application/json"})
        assert a.status == 502 and a.get("content-type") == "application/problem+json"
        assert "127.0.0.1" not in a.body.decode() and a.json()["status"] == 502
        assert c.request(target="/after").status == 200, "the client's connection goes on"


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc",
    "between chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    "last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
}


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("what", CUT)
def test_a_backend_that_breaks_off(edge, back, what, reset):
    """The client must be able to see it: no proper end, and the connection closes."""
    def answer(c, _):
        c.send(CUT[what])
        if reset:  # what was sent must have been read, or the reset overtakes it
            read.wait(PATIENCE)
        c.close(reset)

    read = threading.Event()
    back.on("/cut", answer)
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /cut HTTP/1.1"))
        try:
            a = c.head()
        except NoAnswer:
            assert what == "bad chunk"
            return
        assert a.status == 200
        first = c.take(3) if a.get("content-length") else c.take(8)[3:6]
        assert first == b"abc"
        read.set()
        rest = c.ends()
        assert b"0\r\n\r\n" not in rest
    with edge.h1(HOST) as c:
        a = c.request(target="/cut")
        assert a.status in (200, 502) and not (a.status == 200 and a.whole)


def test_a_stream_without_end_that_is_reset(edge, back):
    """Neither length nor chunks: only the reset tells that it was cut."""
    def answer(c, _):
        c.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        read.wait(PATIENCE)
        c.close(reset=True)

    read = threading.Event()
    back.on("/cut", answer)
    with edge.h1(HOST) as c:
        c.send(get(line=b"GET /cut HTTP/1.1"))
        assert c.head().status == 200
        assert c.take(8) == b"3\r\nabc\r\n"
        read.set()
        assert c.ends() == b"", "no last chunk"


def test_a_backend_that_is_silent(edge, back):
    ended = threading.Event()

    def wait(c, _):
        c.wait_end()
        ended.set()

    back.on("/silent", wait)
    with edge.h1(HOST) as c:
        a = c.request(target="/silent")
        assert a.status == 504 and b"did not answer in time" in a.body
        assert ended.wait(PATIENCE)
        assert c.request().status == 200


def test_a_backend_that_stops_within_its_body(edge, back):
    def answer(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        c.wait_end()

    back.on("/stops", answer)
    with edge.h1(HOST) as c:
        a = c.request(target="/stops")
        assert a.body == b"abc" and not a.whole


def test_a_backend_that_refuses(edge):
    a = edge.get("refuses." + ZONE)
    assert a.status == 502 and b"refused" in a.body and b"127.0.0.1" not in a.body


def test_a_backend_without_an_address(edge):
    a = edge.get("nameless." + ZONE)
    assert a.status == 502 and b"no address" in a.body and b"no-such-host" not in a.body


def test_pages_for_people_programs_and_terminals(edge):
    for accept, kind in (("text/html,*/*;q=0.8", "text/html"),
                         ("application/json", "application/problem+json"),
                         ("application/problem+json", "application/problem+json"),
                         ("*/*", "text/plain"), (None, "text/plain")):
        a = edge.get("nobody.peter." + ZONE, fields={"accept": accept} if accept else {})
        assert a.status == 404 and a.get("content-type").startswith(kind), a
        assert "peter" in a.body.decode() and a.get("cache-control") == "no-store"


def test_pages_escape_what_they_quote(edge):
    with edge.h1(HOST) as c:
        a = c.request(fields={"accept": "text/html"}, host="x\"><script>alert(1)</script>")
        assert a.status == 400 and b"<script>" not in a.body


@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_pooled_connection_that_died(edge, back, how):
    """The backend closes after its answer and does not say so: the next request must not suffer."""
    def answer(c, r):
        out = back.echo(c, r)
        c.send(out)
        c.close(reset=how == "reset")

    back.on("/once", answer)
    with edge.h1(HOST) as c:
        for _ in range(30):
            a = c.request(target="/once")
            assert a.status == 200 and a.whole


def test_a_pooled_connection_that_speaks_unasked(edge, back):
    """What comes between two answers must not become the next one's."""
    back.on("/two", reply(body=b"first") + reply(body=b"poison"))
    with edge.h1(HOST) as c:
        for _ in range(10):
            assert c.request(target="/two").body == b"first"
            assert c.request(target="/clean").json()["target"] == "/clean"


def test_answers_that_have_no_body_but_say_they_do(edge, back):
    back.on("/204", b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison")
    back.on("/304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n")
    back.on("/head", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    with edge.h1(HOST) as c:
        for _ in range(5):
            a = c.request(target="/204")
            assert a.status == 204 and a.get("content-length") is None
            a = c.request(target="/304")
            assert a.status == 304 and a.get("content-length") == "6"
            a = c.request("HEAD", "/head")
            assert a.status == 200 and a.get("content-length") == "6"
            assert c.request(target="/clean").json()["target"] == "/clean"


def test_overlong_interims_do_not_break_the_answer(edge, back):
    back.on("/hints", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3 +
            reply(body=b"final"))
    a = edge.get(HOST, "/hints")
    assert [i.status for i in a.interims] == [103] * 3 and a.body == b"final"


def test_nothing_is_answered_twice(edge, back):
    """A retry is for what is safe to do twice: a POST that may have been taken is not sent again."""
    count = []

    def answer(c, r):
        count.append(r.method)
        if len(count) % 2 == 0:
            c.close()
        return back.echo(c, r)

    back.on("/flaky", answer)
    with edge.h1(HOST) as c:
        assert c.request("POST", "/flaky", body=b"x").status == 200
        assert c.request("POST", "/flaky", body=b"x").status == 502
    assert count == ["POST", "POST"]


def test_backends_over_ipv6(edge):
    with Backend("six", "::1") as b:
        edge.session("six", {"web": b.url})
        assert edge.get(f"web.six.{ZONE}").json()["backend"] == "six"
        assert b.last.get("host") == b.authority


def test_a_client_that_breaks_off_without_goodbye(edge, back):
    for _ in range(20):
        c = edge.h1(HOST)
        c.send(get(line=b"GET /x HTTP/1.1"))
        raw = socket.socket(fileno=c.sock.detach())
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()
    assert edge.get(HOST).status == 200
    with pytest.raises((NoAnswer, Gone)):
        with edge.h1(HOST) as c:
            c.send(b"GET")
            c.sock.unwrap()
            c.answer()


# --- mutations

SEEDS = [
    post(b"Content-Length: 3\r\nX-A: b\r\n", b"abc") + get(line=b"GET /second HTTP/1.1"),
    post(TE + b"X-A: b\r\n", b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n") +
    get(line=b"GET /second HTTP/1.1"),
    get(b"Connection: keep-alive, x-a\r\nX-A: 1\r\nCookie: a=b\r\n") + post(TE, b"0\r\n\r\n"),
]
SCRAPS = [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b";", b"0", b"1", b"\0", b"\x0b", b"\xff", b"-",
          b"Content-Length: 1\r\n", b"Content-Length: 99\r\n", b"Transfer-Encoding: chunked\r\n",
          b"Transfer-Encoding: identity\r\n", b"Host: api.linkup.test\r\n", b"\r\n\r\n", b"0\r\n\r\n",
          b"GET /evil HTTP/1.1\r\nHost: web.linkup.test\r\n\r\n", b" HTTP/1.1", b"chunked", b"HTTP/1.0",
          b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n"]


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        how = rng.randrange(5)
        if how == 0:
            data[at] = rng.randrange(256)
        elif how == 1:
            del data[at:at + rng.randrange(1, 6)]
        elif how == 2:
            piece = data[at:at + rng.randrange(1, 40)]
            data[at:at] = piece
        else:
            data[at:at] = rng.choice(SCRAPS)
        if not data:
            data += b"x"
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_requests(patient, back, seed):
    """However a request is read here, the backend reads it in the same way: as many requests as it
    was passed, each answered, none hidden in another's body."""
    rng = random.Random(seed)
    for _ in range(400):
        data = mutate(rng, rng.choice(SEEDS))
        back.forget()
        answers = []
        with patient.h1(HOST) as c:
            # Whatever it waits for, this fills, and then breaks what follows: it must close.
            c.send(data + b"\r\n\r\n" + b"\0" * 70000)
            try:
                while True:
                    answers.append(c.answer())
            except NoAnswer:
                pass
        passed = [a for a in answers if a.get("x-backend")]
        assert len(passed) == len(back.seen()), (data, answers, back.seen())
        for a, r in zip(passed, back.seen()):
            assert a.json()["target"] == r.target and a.json()["fields"] == [list(f) for f in r.fields]
