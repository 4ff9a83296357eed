"""HTTP/2 towards clients, frame by frame: what browsers do, and what attackers do."""

import hashlib
import signal
import threading

import h2.settings
import pytest

from support.backend import Backend, reply
from support.edge import SANITIZED, ZONE, Edge
from support.http2 import FRAME, frame
from support.net import PATIENCE, connect

HOST = "web." + ZONE
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url}],
               "limits": {"max_streams": 100}}) as e:
        yield e


@pytest.fixture(autouse=True)
def fixture_fresh(back):
    back.forget()
    back.scripts.clear()
    back.keep_raw = True


def pattern(n, seed=1):
    block = hashlib.sha256(bytes([seed])).digest() * 2048
    return (block * (n // len(block) + 1))[:n]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def pseudo(method="GET", path="/", host=HOST, scheme="https"):
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path)]


# --- what browsers do

def test_requests_one_after_the_other(edge, back):
    with edge.h2(HOST) as c:
        for i in range(20):
            s = c.request(path=f"/{i}?q=%20{i}", fields={"x-n": str(i)})
            assert s.status == 200 and s.ended and s.json()["target"] == f"/{i}?q=%20{i}"
    assert [r.get("x-n") for r in back.seen()] == [str(i) for i in range(20)]
    assert len({r.conn for r in back.seen()}) == 1, "one connection to the backend serves them all"


def test_many_streams_at_once(edge, back):
    """All are open before any is answered."""
    n = 100
    gate = threading.Barrier(n + 1, timeout=PATIENCE)

    def answer(c, r):
        gate.wait()
        return back.echo(c, r)

    for i in range(n):
        back.on(f"/{i}", answer)
    with edge.h2(HOST) as c:
        streams = [c.start(path=f"/{i}") for i in range(n)]
        gate.wait()
        for i, s in enumerate(streams):
            assert c.finish(s).json()["target"] == f"/{i}"


def test_more_streams_than_allowed(edge):
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        allowed = c.h2.remote_settings.max_concurrent_streams
        assert allowed == 100
        c.h2.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 1000
        c.h2.remote_settings.acknowledge()
        streams = [c.start("POST", end=False) for _ in range(allowed + 10)]
        refused = streams[allowed:]
        c.until(lambda: all(s.over for s in refused) or c.goaway is not None)
        assert c.goaway is not None or all(s.reset == 7 for s in refused)  # REFUSED_STREAM


def test_post_and_get_of_50_mib(edge, back):
    body = pattern(50 << 20)

    def mirror(c, r):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in c.pieces(r):
            c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        c.send(b"0\r\n\r\n")

    back.keep_raw = False
    back.on("/mirror", mirror, streaming=True)
    before = edge.rss_kib()
    with edge.h2(HOST, settings={WINDOW: 1 << 20}) as c:
        c.h2.increment_flow_control_window(4 << 20)
        s = c.start("POST", "/mirror", end=False)
        c.data(s, body, end=True)
        c.finish(s)
    assert s.ended and digest(s.body) == digest(body)
    assert edge.rss_kib() - before < 30000 or SANITIZED


def test_big_uploads_at_once(edge, back):
    """Four uploads share one connection and its window."""
    back.keep_raw = False
    body = pattern(3 << 20)
    with edge.h2(HOST) as c:
        streams = [c.start("POST", f"/{i}", end=False, fields={"content-length": str(len(body))})
                   for i in range(4)]
        at = 0
        while at < len(body):
            for s in streams:
                c.data(s, body[at:at + 65536])
            at += 65536
        for s in streams:
            c.data(s, b"", end=True)
        for s in streams:
            assert c.finish(s).status == 200
    assert sorted(r.target for r in back.seen()) == ["/0", "/1", "/2", "/3"]
    assert {digest(r.body) for r in back.seen()} == {digest(body)}


def test_trailers_both_ways(edge, back):
    back.on("/t", lambda c, r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"3\r\nabc\r\n0\r\ngrpc-status: 0\r\ngrpc-message: ok\r\n\r\n")
    with edge.h2(HOST) as c:
        s = c.start("POST", "/t", {"te": "trailers"}, end=False)
        c.data(s, b"hello")
        c.trailers(s, [("x-sum", "1"), ("x-more", "2")])
        c.finish(s)
    assert s.body == b"abc" and s.trailers == [("grpc-status", "0"), ("grpc-message", "ok")]
    r = back.last
    assert r.body == b"hello" and r.trailers == [("x-sum", "1"), ("x-more", "2")]
    assert r.get("te") == "trailers"


def test_trailers_without_a_body(edge, back):
    """As gRPC fails."""
    back.on("/t", lambda c, r: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                               b"0\r\ngrpc-status: 5\r\n\r\n")
    s = edge.get2(HOST, "/t")
    assert (s.status, s.body, s.trailers) == (200, b"", [("grpc-status", "5")])


def test_interim_answers(edge, back):
    back.on("/hints", b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n" * 2 +
            reply(body=b"final"))
    s = edge.get2(HOST, "/hints")
    assert [(i.status, i.get("link")) for i in s.interims] == [(103, "</a>; rel=preload")] * 2
    assert s.body == b"final"


def test_expect_continue(edge, back):
    def answer(c, r):
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.read_body(r)
        return reply(body=r.body)

    back.on("/c", answer, streaming=True)
    with edge.h2(HOST) as c:
        s = c.start("POST", "/c", {"expect": "100-continue"}, end=False)
        c.until(lambda: s.interims, "100")
        assert s.interims[0].status == 100
        c.data(s, b"body", end=True)
        assert c.finish(s).body == b"body"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(edge, back, status):
    back.on("/n", f"HTTP/1.1 {status} X\r\netag: \"x\"\r\n\r\n".encode())
    with edge.h2(HOST) as c:
        for _ in range(3):
            s = c.request(path="/n")
            assert (s.status, s.body, s.ended) == (status, b"", True)


def test_head(edge):
    with edge.h2(HOST) as c:
        for _ in range(3):
            s = c.request("HEAD", "/n")
            assert s.status == 200 and s.body == b"" and int(s.get("content-length")) > 0


def test_padding(edge, back):
    with edge.h2(HOST) as c:
        for pad in (0, 1, 255):
            s = c.start("POST", f"/{pad}", end=False)
            for _ in range(200):  # 50 KiB of padding: it must be given back to the window
                c.data(s, b"0123456789" * 60, pad=pad)
            c.data(s, b"", end=True)
            assert c.finish(s).status == 200
            assert back.last.body == b"0123456789" * 60 * 200


def test_priority_is_ignored(edge):
    with edge.h2(HOST) as c:
        for i in range(50):
            c.raw(frame("PRIORITY", 0, 2 * i + 201, b"\x80\0\0\x01\x10"))
        assert c.request().status == 200


def test_pings_are_answered(edge):
    with edge.h2(HOST) as c:
        c.h2.ping(b"12345678")
        c.flush()
        c.until(lambda: c.pings)
        assert c.pings == [b"12345678"]


def test_window_updates_while_a_body_waits(edge, back):
    """A window of nothing, opened a little at a time."""
    body = pattern(100000)
    back.on("/w", reply(body=body))
    with edge.h2(HOST, settings={WINDOW: 0}, auto_window=False) as c:
        s = c.start(path="/w")
        c.until(lambda: s.status)
        assert s.received == 0
        given = 0
        while not s.over:
            c.h2.increment_flow_control_window(1000, s.number)
            if given % 40000 == 0:
                c.h2.increment_flow_control_window(40000)
            given += 1000
            c.flush()
            c.until(lambda: s.received >= min(given, len(body)) or s.over)
        assert bytes(s.body) == body


def test_settings_change_the_window_of_open_streams(edge, back):
    body = pattern(60000)
    back.on("/w", reply(body=body))
    with edge.h2(HOST, settings={WINDOW: 100}, auto_window=False) as c:
        s = c.start(path="/w")
        c.until(lambda: s.received == 100)
        c.h2.update_settings({WINDOW: 70000})
        c.flush()
        c.finish(s)
        assert bytes(s.body) == body


# --- clients and backends that go

def test_reset_cancels_the_backend(edge, back):
    started, ended = threading.Event(), threading.Event()

    def answer(c, _):
        started.set()
        c.wait_end()
        ended.set()

    back.on("/r", answer)
    with edge.h2(HOST) as c:
        s = c.start(path="/r")
        assert started.wait(PATIENCE)
        c.reset(s)
        assert ended.wait(PATIENCE)
        assert c.request().status == 200


def test_reset_in_the_body_cancels_the_backend(edge, back):
    ended = threading.Event()

    def answer(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx")
        c.wait_end()
        ended.set()

    back.on("/r", answer)
    with edge.h2(HOST) as c:
        s = c.start(path="/r")
        c.until(lambda: s.received)
        c.reset(s)
        assert ended.wait(PATIENCE)
        assert c.request().status == 200


def test_reset_of_an_upload(edge, back):
    """Its window comes back, whoever was to have the bytes."""
    ended = threading.Event()

    def answer(c, _):
        c.wait_end()
        ended.set()

    back.on("/r", answer, streaming=True)
    with edge.h2(HOST) as c:
        for _ in range(30):  # 30 * 60 KiB: more than the connection's window
            s = c.start("POST", "/r", end=False)
            c.data(s, b"x" * 60000)
            c.reset(s)
        assert ended.wait(PATIENCE)
        assert c.request("POST", body=pattern(200000)).status == 200


def test_connection_that_goes_cancels_all(edge, back):
    n = 20
    started, ended = threading.Semaphore(0), threading.Semaphore(0)

    def answer(c, _):
        started.release()
        c.wait_end()
        ended.release()

    back.on("/r", answer)
    with edge.h2(HOST) as c:
        for _ in range(n):
            c.start(path="/r")
        for _ in range(n):
            assert started.acquire(timeout=PATIENCE)
    for _ in range(n):
        assert ended.acquire(timeout=PATIENCE)


@pytest.mark.parametrize("cut", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
], ids=["length", "chunks", "last chunk"])
def test_a_backend_that_breaks_off_resets_the_stream(edge, back, cut):
    def answer(c, _):
        c.send(cut)
        got.wait(PATIENCE)
        c.close()

    got = threading.Event()
    back.on("/cut", answer)
    with edge.h2(HOST) as c:
        s = c.start(path="/cut")
        c.until(lambda: s.received == 3)
        got.set()
        c.finish(s)
        assert s.reset is not None and not s.ended
        assert c.request().status == 200, "only that stream"


def test_a_backend_that_refuses_gives_a_page(edge):
    edge.session("dead", {"web": "http://127.0.0.1:1"})
    with edge.h2(f"web.dead.{ZONE}") as c:
        s = c.request(fields={"accept": "application/json"})
        assert s.status == 502 and s.json()["status"] == 502


def test_an_answer_before_the_body(edge, back):
    def refuse(c, _):
        c.send(reply(413, {"connection": "close"}, b"too much"))
        c.wait_end()

    back.on("/early", refuse, streaming=True)
    with edge.h2(HOST) as c:
        s = c.start("POST", "/early", end=False)
        c.data(s, b"x" * 1000)
        c.until(lambda: s.over)
        assert s.status == 413 and s.body == b"too much" and s.reset in (None, 0)
        assert c.request().status == 200


# --- back-pressure

def test_a_client_that_never_reads(edge, back):
    """Bodies without end on 100 streams: the backends are slowed down, memory is bounded, other
    connections go on."""
    def flood(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:  # until the edge goes
            c.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    back.keep_raw = False
    back.on("/flood", flood)
    with edge.h2(HOST, settings={WINDOW: (1 << 31) - 1}, auto_window=False) as c:
        c.h2.increment_flow_control_window((1 << 31) - 1 - 65535)
        before = edge.rss_kib()
        streams = [c.start(path="/flood") for _ in range(100)]
        back.wait(lambda r: r.target == "/flood", n=len(streams))
        for _ in range(20):
            assert edge.get2(HOST, "/other").status == 200
        assert edge.rss_kib() - before < 60000 or SANITIZED


def test_a_backend_that_does_not_read(edge, back):
    """The client's window stays shut: nothing of the upload piles up."""
    release = threading.Event()

    def answer(c, r):
        release.wait(PATIENCE)
        c.read_body(r)
        return reply(body=digest(r.body).encode())

    back.keep_raw = False
    back.on("/slow", answer, streaming=True)
    body = pattern(40 << 20)
    before = edge.rss_kib()
    with edge.h2(HOST) as c:
        s = c.start("POST", "/slow", end=False)
        sent = 0
        while sent < len(body):
            room = c.h2.local_flow_control_window(s.number)
            if room < 16384:
                # What it lets through ends up in the kernel's buffers: a ping tells that it has
                # read all and given no more.
                c.h2.ping(b"are you?")
                c.flush()
                n = len(c.pings)
                c.until(lambda: len(c.pings) > n)
                if c.h2.local_flow_control_window(s.number) < 16384:
                    break
                continue
            c.data(s, body[sent:sent + 16384])
            sent += 16384
        assert edge.rss_kib() - before < 20000 or SANITIZED
        with edge.h2(HOST) as other:
            assert other.request().status == 200
        slow = c.request("POST", "/other", body=b"x" * 1000)
        assert slow.status == 200, "other streams of the connection go on"
        release.set()
        c.data(s, body[sent:], end=True)
        assert c.finish(s).body.decode() == digest(body)


# --- attacks

def survives(edge):
    with edge.h2(HOST) as c:
        assert c.request().status == 200


def test_rapid_reset(edge):
    """CVE-2023-44487: bounded, or the connection ends."""
    before = edge.rss_kib()
    with edge.h2(HOST) as c:
        for _ in range(100):
            for _ in range(100):
                number = c.h2.get_next_available_stream_id()
                c.h2.send_headers(number, pseudo(path="/rapid"), end_stream=True)
                c.h2.reset_stream(number, 8)
            c.flush()
            if c.closed:
                break
        survives(edge)
    assert edge.rss_kib() - before < 60000 or SANITIZED
    survives(edge)


def headers_block():
    """A request's HPACK block, uncompressed literals."""
    out = b""
    for name, value in pseudo():
        out += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return out


def test_continuation_flood(edge):
    """CVE-2024-27316: a head without end."""
    before = edge.rss_kib()
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        c.raw(frame("HEADERS", 1, 1, headers_block()))
        field = b"\0\4x-at\x7f\x81\x07" + b"y" * 256
        for _ in range(5000):
            c.raw(frame("CONTINUATION", 0, 1, field * 30))
            if c.closed:
                break
        ended = c.closed or c.ends()
        assert ended
    assert edge.rss_kib() - before < 20000 or SANITIZED
    survives(edge)


def test_empty_continuations(edge):
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        c.raw(frame("HEADERS", 1, 1, headers_block()))
        for _ in range(2000):
            c.raw(frame("CONTINUATION", 0, 1) * 50)
            if c.closed:
                break
        if not c.closed:
            c.raw(frame("CONTINUATION", 4, 1))
            c.ends()
    survives(edge)


@pytest.mark.parametrize("what", ["SETTINGS", "PING", "empty DATA", "WINDOW_UPDATE", "PRIORITY"])
def test_floods_without_reading(edge, what):
    """Who sends and does not read the answers gets no memory for them."""
    one = {"SETTINGS": frame("SETTINGS"), "PING": frame("PING", 0, 0, b"12345678"),
           "empty DATA": frame("DATA", 0, 1), "WINDOW_UPDATE": frame("WINDOW_UPDATE", 0, 0,
                                                                     b"\0\0\0\x01"),
           "PRIORITY": frame("PRIORITY", 0, 1, b"\0\0\0\0\x10")}[what]
    before = edge.rss_kib()
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        if what == "empty DATA":
            c.start("POST", end=False)
        c.sock.settimeout(2)
        try:
            for _ in range(400):
                c.raw(one * 1000)
                if c.closed:
                    break
        except TimeoutError:
            pass  # no longer read: as good as closed
        assert edge.rss_kib() - before < 20000 or SANITIZED
        survives(edge)
    survives(edge)


def test_hpack_bomb(edge):
    """One large field in the table, named a thousand times: 4 MB of fields in 5 KB."""
    before = edge.rss_kib()
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        for number in range(1, 41, 2):
            big = b"\x40\4x-bb\x7f\x81\x1e" + b"z" * 3968 if number == 1 else b""
            c.raw(frame("HEADERS", 5, number, headers_block() + big + b"\xbe" * 1000))
        c.h2.ping(b"are you?")
        c.flush()
        c.until(lambda: c.pings or c.goaway or c.closed)
        assert edge.rss_kib() - before < 20000 or SANITIZED
    survives(edge)


@pytest.mark.parametrize("what", [*FRAME, "77"])
def test_frames_out_of_place(edge, what):
    """On streams and of lengths where they must not be: the connection may end, the edge goes on."""
    kind = FRAME.get(what, 77)
    for flags in (0, 0xff):
        unfinished = kind == FRAME["HEADERS"] and not flags & 4  # lets nothing else through
        for stream in (0, 1, 2, 0x7fffffff):
            for payload in (b"", b"\0", b"\0" * 4, b"\0" * 5, b"\0" * 8, b"\xff" * 30):
                with edge.h2(HOST) as c:
                    c.h2.ping(b"are you?")
                    c.raw(frame(kind, flags, stream, payload) + c.h2.data_to_send())
                    c.until(lambda: unfinished or c.pings or c.closed or c.goaway is not None)
    survives(edge)


def test_oversized_frame(edge):
    with edge.h2(HOST) as c:
        c.until(lambda: c.settings_acks)
        c.raw(b"\xff\xff\xff\0\0\0\0\0\1")
        c.ends()
        assert c.goaway == 6 or c.closed  # FRAME_SIZE_ERROR
    survives(edge)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"PRI * HTTP"],
                         ids=["h1", "zeros", "half a preface"])
def test_no_preface(edge, data):
    s = edge.tls(HOST, alpn=("h2",))
    with s:
        s.sendall(data)
        if data.startswith(b"PRI"):
            return
        s.settimeout(PATIENCE)
        try:
            while s.recv(4096):
                pass
        except OSError as e:
            assert not isinstance(e, TimeoutError)
    survives(edge)


# --- heads (attacks/ has those that lie)

def test_limits(edge, back):
    with edge.h2(HOST) as c:
        assert c.request(path="/" + "a" * (16 * 1024 - 1)).status == 200
        assert c.request(path="/" + "a" * (16 * 1024)).status == 414
        assert c.request(fields=[("x", "y" * 10000)] * 5).status == 200
        assert c.request().status == 200
    for fields in ([("x", "y" * 10000)] * 8, [("x", "1")] * 300):
        with edge.h2(HOST) as c:
            s = c.start(fields=fields)
            c.until(lambda: s.over or c.closed or c.goaway)
            assert s.status == 431 or s.reset or c.closed or c.goaway
    survives(edge)


def test_crumbs_of_cookies(edge, back):
    s = edge.get2(HOST, fields=[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")])
    assert s.status == 200 and back.last.all("cookie") == ["a=1; b=2; c=3"]


# --- the end

def test_sigterm_says_goaway_and_finishes(back):
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        gate = threading.Event()

        def answer(c, r):
            gate.wait(PATIENCE)
            return back.echo(c, r)

        back.on("/run", answer)
        with e.h2(HOST) as c, e.h2(HOST) as idle:
            assert idle.request().status == 200
            s = c.start(path="/run")
            back.wait(lambda r: r.target == "/run")
            e.signal(signal.SIGTERM)
            c.until(lambda: c.goaway is not None)
            assert c.goaway == 0
            idle.ends()
            assert idle.goaway == 0
            gate.set()
            assert c.finish(s).status == 200 and s.ended
            c.ends()
        assert e.wait() == 0


@pytest.mark.parametrize("more", [0, 1])
def test_sigterm_refuses_streams_it_has_not_promised(back, more):
    """What comes behind GOAWAY's last stream is left to be asked elsewhere (RFC 9113 6.8)."""
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        gate = threading.Event()

        def answer(c, r):
            gate.wait(PATIENCE)
            return back.echo(c, r)

        back.on("/run", answer)
        with e.h2(HOST) as c:
            s = c.start(path="/run")
            back.wait(lambda r: r.target == "/run")
            e.signal(signal.SIGTERM)
            c.until(lambda: c.goaways == 2)  # the notice, and the last stream
            late = [c.start(path="/late") for _ in range(more)]
            c.until(lambda: all(x.reset == 7 for x in late))  # REFUSED_STREAM
            gate.set()
            assert c.finish(s).status == 200
            c.ends()
        assert e.wait() == 0
        assert not [r for r in back.seen() if r.target == "/late"]


def test_tcp_without_tls(edge):
    """Prior-knowledge h2 on the TLS port is no TLS."""
    with connect(edge.https) as s:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        s.settimeout(PATIENCE)
        while s.recv(4096):
            pass
