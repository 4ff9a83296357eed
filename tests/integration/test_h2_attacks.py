"""HTTP/2 floods: each is ended with GOAWAY(ENHANCE_YOUR_CALM) after a bounded number of frames, others are
served meanwhile and memory stays where it was; and what clients do that looks alike goes on."""

import itertools
import threading

import pytest

from support.backend import Backend, reply
from support.edge import SANITIZED, ZONE, Edge
from support.http2 import frame
from support.http2_raw import (ACK, CALM, CANCEL, PADDED, PRIORITY_FLAG, Raw, block, continuation,
                               data, headers, integer, literal, pseudo, reset, settings, text, u32,
                               window)
from support.net import PATIENCE

HOST = "web." + ZONE
TABLE_SIZE, PUSH, STREAMS, WINDOW = 1, 2, 3, 4
GET = block(pseudo(HOST))
HANG = block(pseudo(HOST, path="/hang"))
BIG = block(pseudo(HOST, path="/big"))


def hang(c, _):
    c.wait_end()


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        b.keep_raw = False
        b.on("/hang", hang)
        b.on("/big", reply(body=b"x" * 200000))
        b.on("/huge", reply(body=b"x" * (4 << 20)))
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url}], "limits": {"max_streams": 100}}) as e:
        yield e


def open_raw(edge, **kw):
    return Raw(edge.tls(HOST, alpn=("h2",)), **kw)


def friend(edge):
    """Who reads what it has asked for."""
    c = open_raw(edge, first=settings((WINDOW, 1 << 30)) + window(0, 1 << 30))
    c.until(lambda: len(c.of("SETTINGS")) == 2)
    c.ping()  # our acknowledgement has gone, and will not come between frames of a head
    return c


def survives(edge):
    assert edge.get2(HOST).status == 200


def streams():
    return itertools.count(1, 2)


# --- the table: generators of pieces, each one step of the attack

def rapid_reset():
    for s in streams():
        yield headers(s, HANG) + reset(s)


def rapid_reset_of_what_is_answered_here():
    head = block(pseudo("nobody." + ZONE))
    for s in streams():
        yield headers(s, head, end=False) + reset(s)


def rapid_reset_of_uploads():
    head = block(pseudo(HOST, "POST", "/hang"))
    for s in streams():
        yield headers(s, head, end=False) + data(s, b"x") + reset(s)


def rapid_reset_in_batches():
    for s in itertools.count(1, 200):
        yield b"".join(headers(s + 2 * i, HANG) for i in range(90)) + \
            b"".join(reset(s + 2 * i) for i in range(90))


def resets_of_one_stream():
    yield headers(1, HANG)
    while True:
        yield reset(1)


def made_to_reset(bad):
    """The cousin: the client makes us reset ("MadeYouReset")."""
    def attack():
        for s in streams():
            yield bad(s)
    return attack


def body_of_another_length(s):
    return headers(s, block(pseudo(HOST, "POST", "/hang") + [("content-length", "5")]),
                   end=False) + data(s, b"x", end=True)


def body_beyond_its_length(s):
    return headers(s, block(pseudo(HOST, "POST", "/hang") + [("content-length", "1")]),
                   end=False) + data(s, b"xx")


def window_overflow(s):
    return headers(s, HANG) + window(s, (1 << 31) - 1) + window(s, (1 << 31) - 1)


def trailers_without_end(s):
    return headers(s, block(pseudo(HOST, "POST", "/hang")), end=False) + \
        headers(s, block([("x", "1")]), end=False)


def pseudo_in_trailers(s):
    return headers(s, block(pseudo(HOST, "POST", "/hang")), end=False) + \
        headers(s, block([(":path", "/x")]))


def upper_case(s):
    return headers(s, block(pseudo(HOST) + [("X", "1")]))


def no_path(s):
    return headers(s, block(pseudo(HOST)[:3]))


def continuations(piece, step=1):
    def attack():
        yield headers(1, GET, more=True)
        while True:
            yield continuation(1, piece) * step
    return attack


def blocks_of_empty_continuations():
    for s in streams():
        yield headers(s, GET, more=True) + continuation(s) * 25 + continuation(s, end=True)


def repeat(one, before=b""):
    def attack():
        yield before
        while True:
            yield one
    return attack


def settings_of_windows():
    yield b"".join(headers(s, HANG) for s in range(1, 199, 2))
    for i in itertools.count():
        yield settings(*[(WINDOW, 1000 + i % 7)] * 30)


def priorities():
    for s in streams():
        yield frame("PRIORITY", 0, s + 1000, u32(s) + b"\x10")


def table_of(size):
    return literal("x-bomb", "b" * size, index=True)


def bomb():
    """One entry of the table said again and again, a byte each time."""
    yield headers(1, block(pseudo(HOST)) + table_of(4000))
    for s in itertools.count(3, 2):
        yield headers(s, GET + b"\xbe" * 14000)


def bomb_in_continuations():
    yield headers(1, block(pseudo(HOST)) + table_of(4000))
    yield headers(3, GET, more=True)
    while True:
        yield continuation(3, b"\xbe" * 200)


def bomb_in_trailers():
    yield headers(1, block(pseudo(HOST, "POST", "/hang")) + table_of(4000), end=False)
    yield headers(1, b"\xbe" * 14000)


def small_bombs():
    """Each a little more than its bytes can say."""
    yield headers(1, block(pseudo(HOST)) + table_of(3900))
    for s in itertools.count(3, 2):
        yield headers(s, GET + b"\xbe" * 15)


def heads_too_large():
    big = literal("x", "y" * 16000)
    for s in streams():
        yield headers(s, GET, more=True) + continuation(s, big) * 4 + continuation(s, big, end=True)


def fields_without_number():
    for s in streams():
        yield headers(s, GET + literal("a", "") * 3000)


def targets_too_long():
    head = block(pseudo(HOST, path="/" + "a" * 16384))
    for s in streams():
        yield headers(s, head[:16384], more=True) + continuation(s, head[16384:], end=True)


def more_streams_than_there_are():
    """Before our SETTINGS are acknowledged they cannot bind the client; refused they are."""
    for s in streams():
        yield headers(s, HANG)


def dribble():
    """A response, byte by byte."""
    yield settings((WINDOW, 0)) + headers(1, BIG)
    while True:
        yield window(1, 1)


def dribble_by_connection():
    yield settings((WINDOW, 1 << 30)) + b"".join(headers(s, BIG) for s in (1, 3))
    while True:
        yield window(0, 1)


def data_for_a_stream_that_was_reset():
    yield headers(1, block(pseudo(HOST, "POST", "/") + [("content-length", "1")]), end=False)
    yield data(1, b"xx")
    while True:
        yield data(1, b"x" * 16384)


def headers_for_a_stream_that_was_reset():
    yield upper_case(1)
    while True:
        yield headers(1, block([("x", "y")]))


def little_of_everything():
    for s in streams():
        yield settings() + frame("PING", 0, 0, b"12345678") + headers(s, HANG) + reset(s) + \
            frame("PRIORITY", 0, s, u32(0) + b"\x10") + window(0, 1) + frame(0xbe)


PING = frame("PING", 0, 0, b"12345678")
UPLOAD = headers(1, block(pseudo(HOST, "POST", "/hang")), end=False)

# what: (attack, how many steps are at most taken)
ATTACKS = {
    "rapid reset": (rapid_reset, 3000),
    "rapid reset of what is answered here": (rapid_reset_of_what_is_answered_here, 3000),
    "rapid reset of uploads": (rapid_reset_of_uploads, 3000),
    "rapid reset in batches": (rapid_reset_in_batches, 40),
    "resets of one stream": (resets_of_one_stream, 3000),
    "made to reset: body of another length": (made_to_reset(body_of_another_length), 2000),
    "made to reset: body beyond its length": (made_to_reset(body_beyond_its_length), 2000),
    "made to reset: window overflow": (made_to_reset(window_overflow), 2000),
    "made to reset: trailers without end": (made_to_reset(trailers_without_end), 2000),
    "made to reset: pseudo field in trailers": (made_to_reset(pseudo_in_trailers), 2000),
    "made to reset: upper case": (made_to_reset(upper_case), 2000),
    "made to reset: no path": (made_to_reset(no_path), 2000),
    "CONTINUATIONs, small": (continuations(literal("x-a", "y" * 10)), 40),
    "CONTINUATIONs, empty": (continuations(b""), 40),
    "CONTINUATIONs, full": (continuations(literal("x-a", "y" * 1000) * 16), 20),
    "CONTINUATIONs, empty, in whole blocks": (blocks_of_empty_continuations, 500),
    "CONTINUATIONs, many at once": (continuations(b"", 1000), 2),
    "SETTINGS, empty": (repeat(settings()), 1500),
    "SETTINGS, thirty values": (repeat(settings(*[(WINDOW, 65535)] * 30)), 300),
    "SETTINGS, windows of a hundred streams": (settings_of_windows, 300),
    "SETTINGS, more values than there are": (repeat(settings(*[(WINDOW, 65535)] * 2000)), 2),
    "SETTINGS, unknown": (repeat(settings((0xbeef, 1))), 1500),
    "SETTINGS, table sizes": (repeat(settings((TABLE_SIZE, 0), (TABLE_SIZE, 4096))), 1500),
    "PING": (repeat(PING), 3000),
    "PING, acknowledged unasked": (repeat(frame("PING", ACK, 0, b"12345678")), 3000),
    "PRIORITY": (priorities, 15000),
    "PRIORITY of one stream": (repeat(frame("PRIORITY", 0, 1, u32(0) + b"\x10")), 15000),
    "PRIORITY_UPDATE": (repeat(frame(0x10, 0, 0, u32(1) + b"u=1")), 15000),
    "empty DATA": (repeat(data(1), UPLOAD), 3000),
    "empty DATA, padded": (repeat(frame("DATA", PADDED, 1, b"\x04\0\0\0\0"), UPLOAD), 3000),
    "windows, by one": (repeat(window(0, 1)), 8000),
    "windows, of a stream that has ended": (repeat(window(1, 1), headers(1, HANG) + reset(1)), 8000),
    "windows, of streams": (repeat(window(1, 200), headers(1, HANG)), 30000),
    "unknown frames": (repeat(frame(0xbe)), 6000),
    "unknown frames, full": (repeat(frame(0xbe, 0, 0, b"x" * 16384)), 1500),
    "GOAWAY": (repeat(frame("GOAWAY", 0, 0, u32(0) + u32(0)), headers(1, HANG)), 300),
    "bomb": (bomb, 3),
    "bomb in CONTINUATIONs": (bomb_in_continuations, 30),
    "bomb in trailers": (bomb_in_trailers, 3),
    "bombs, small": (small_bombs, 10),
    "heads too large": (heads_too_large, 400),
    "fields without number": (fields_without_number, 3),
    "targets too long": (targets_too_long, 400),
    "streams beyond the limit": (more_streams_than_there_are, 6000),
    "a response dribbled from a stream's window": (dribble, 6000),
    "a response dribbled from the connection's window": (dribble_by_connection, 80000),
    "DATA for a stream that was reset": (data_for_a_stream_that_was_reset, 2000),
    "HEADERS for a stream that was reset": (headers_for_a_stream_that_was_reset, 6000),
    "little of everything": (little_of_everything, 800),
}
UNACKNOWLEDGED = {"streams beyond the limit"}


@pytest.mark.parametrize("what", ATTACKS)
def test_floods_are_told_to_be_calm(edge, what):
    attack, most = ATTACKS[what]
    before, calmed = edge.rss_kib(), edge.metric("linkup_http2_calmed_total")
    with open_raw(edge, acknowledge=what not in UNACKNOWLEDGED) as c:
        c.until(lambda: len(c.of("SETTINGS")) == 2)  # theirs, and that they have ours
        c.ping()
        for step in itertools.islice(attack(), most):
            if c.goaway is not None or not c.write(step):
                break
        else:
            assert c.ends() is not None, f"{most} steps, and it goes on"
        survives(edge)
        assert c.ends() == CALM
    assert edge.metric("linkup_http2_calmed_total") == calmed + 1
    assert edge.rss_kib() - before < 20000 or SANITIZED
    survives(edge)


DEAF = {
    "PING": PING,
    "SETTINGS": settings(),
    "requests": None,
    "uploads that are broken": None,
}


@pytest.mark.parametrize("what", DEAF)
def test_floods_of_one_who_does_not_read(edge, what):
    """What is owed to it is bounded, and so is the time it is kept."""
    before = edge.rss_kib()
    attack = {"requests": rapid_reset_of_what_is_answered_here,
              "uploads that are broken": made_to_reset(upper_case)}.get(what) or repeat(DEAF[what])
    with open_raw(edge) as c:
        c.until(lambda: c.of("SETTINGS"))
        c.deaf = True
        for step in itertools.islice(attack(), 400000):
            if not c.pump(step, seconds=1):
                break
        else:
            raise AssertionError("all of it was taken")
        survives(edge)
        assert edge.rss_kib() - before < 20000 or SANITIZED
        c.deaf, c.closed = False, None
        c.ends()
        assert c.goaway in (CALM, None)
    survives(edge)


def test_nothing_is_read_of_one_who_was_told(edge):
    """What it still sends stays in the kernel's buffers."""
    with open_raw(edge) as c:
        while c.goaway is None and c.write(PING * 100):
            pass
        assert c.goaway == CALM
        c.deaf = True
        c.sent = 0
        while c.pump(PING * 1000, seconds=0.5):
            assert c.sent < 32 << 20
    survives(edge)


def test_its_backends_are_let_go(edge, back):
    started, ended = threading.Semaphore(0), threading.Semaphore(0)

    def answer(c, _):
        started.release()
        c.wait_end()
        ended.release()

    back.on("/wait", answer)
    with open_raw(edge) as c:
        for s in range(1, 21, 2):
            c.write(headers(s, block(pseudo(HOST, path="/wait"))))
        for _ in range(10):
            assert started.acquire(timeout=PATIENCE)
        while c.goaway is None and c.write(PING * 100):
            pass
        for _ in range(10):
            assert ended.acquire(timeout=PATIENCE)


def test_it_is_told_in_the_log(edge):
    at = edge.mark()
    with open_raw(edge) as c:
        while c.goaway is None and c.write(PING * 100):
            pass
    edge.wait_log("h2_calmed", after=at, flood="PING", client="127.0.0.1")


# --- what looks alike

def answered(c, s):
    c.until(lambda: c.ended(s) or c.reset_of(s) is not None, f"the end of {s}")
    return c.status(s)


def test_a_page_of_requests_called_off(edge):
    """A browser that leaves a page of a hundred requests, five times over."""
    with friend(edge) as c:
        s = 1
        for _ in range(5):
            first = s
            for s in range(first, first + 180, 2):
                c.write(headers(s, HANG))
            for r in range(first, first + 180, 2):
                c.write(reset(r))
            s += 2
            c.write(headers(s, GET))
            assert answered(c, s) == 200
            s += 2
        assert c.goaway is None


def test_every_second_request_called_off(edge):
    with friend(edge) as c:
        for s in range(1, 8001, 4):
            c.write(headers(s, GET) + headers(s + 2, HANG) + reset(s + 2))
            if s % 100 == 1:
                answered(c, s)
        assert answered(c, s) == 200
        assert c.goaway is None


def test_pings_with_every_response(edge):
    """gRPC measures its bandwidth so: a ping for what it reads, none while one is unanswered."""
    with friend(edge) as c:
        for s in range(1, 5001, 2):
            c.write(headers(s, GET) + PING)
            assert answered(c, s) == 200
        assert c.goaway is None


def test_priorities_as_browsers_send_them(edge):
    """Firefox's tree of idle streams, Chrome's weights on every request, PRIORITY_UPDATE, GREASE."""
    tree = b"".join(frame("PRIORITY", 0, s, u32(d) + bytes([w])) for s, d, w in
                    ((3, 0, 200), (5, 0, 100), (7, 0, 0), (9, 7, 0), (11, 3, 0), (13, 0, 240)))
    with friend(edge) as c:
        c.write(tree)
        for s in range(15, 2015, 2):
            weight = u32(0x80000000 | (s - 2)) + b"\xdb"
            c.write(frame(0x10, 0, 0, u32(s) + b"u=1, i") +
                    headers(s, weight + GET, flags=PRIORITY_FLAG) +
                    frame("PRIORITY", 0, s, u32(0x80000000) + b"\x93") +
                    frame(0x0b + 0x1f * (s % 3), 0, s, b"grease"))
            assert answered(c, s) == 200
        assert c.goaway is None


def test_windows_for_every_frame(edge):
    """As simple clients do: what was read is given back at once, for the stream and for all."""
    with open_raw(edge) as c:
        c.write(headers(1, block(pseudo(HOST, path="/huge"))))
        given = 0
        while not c.ended(1):
            c.until(lambda: len(c.of("DATA")) > given or c.ended(1))
            for f in c.of("DATA")[given:]:
                given += 1
                if f.payload:
                    c.write(window(0, len(f.payload)) + window(1, len(f.payload)))
        assert sum(len(f.payload) for f in c.of("DATA")) == 4 << 20
        assert c.goaway is None


def test_a_window_of_a_kilobyte(edge):
    with open_raw(edge, first=settings((WINDOW, 1000))) as c:
        c.write(headers(1, BIG) + window(0, 1 << 20))
        got = 0
        while got < 200000:
            c.write(window(1, 1000))
            got += 1000
            c.until(lambda: sum(len(f.payload) for f in c.of("DATA")) >= min(got, 200000))
        assert c.goaway is None


@pytest.mark.parametrize("size", [1, 5, 100])
def test_an_upload_in_small_frames(edge, size):
    """Messages of a stream: they may be as small as they are, and as many."""
    n = 20000
    with friend(edge) as c:
        c.write(headers(1, block(pseudo(HOST, "POST", "/count")), end=False))
        sent = 0
        while sent < n:
            c.write(data(1, b"x" * size) * 100)
            sent += 100
            if sent % 1000 == 0:  # well inside of what the window opens again by
                c.ping()
        c.write(data(1, end=True))
        assert answered(c, 1) == 200
        assert c.goaway is None


def test_a_head_in_a_few_continuations(edge, back):
    with friend(edge) as c:
        for s in range(1, 401, 2):
            pieces = [literal(f"x-{i}", "y" * 100) for i in range(4)]
            c.write(headers(s, GET, more=True) +
                    b"".join(continuation(s, p) for p in pieces) + continuation(s, end=True))
            assert answered(c, s) == 200
        assert c.goaway is None and back.last.get("x-3") == "y" * 100


def test_a_frame_header_byte_by_byte(edge):
    """It is still one frame."""
    with friend(edge) as c:
        whole = headers(1, GET, more=True) + continuation(1, literal("x", "y")) + \
            continuation(1, end=True)
        for i in range(len(whole)):
            c.write(whole[i:i + 1])
        assert answered(c, 1) == 200


def test_the_same_large_fields_again_and_again(edge):
    """Cookies and tokens in the table: a few bytes say them again, once a request."""
    with friend(edge) as c:
        c.write(headers(1, GET + literal("cookie", "c" * 1900, index=True) +
                        literal("authorization", "t" * 1900, index=True)))
        for s in range(3, 2003, 2):
            c.write(headers(s, GET + b"\xbf\xbe"))
            assert answered(c, s) == 200
        assert c.goaway is None


def test_more_requests_than_allowed_before_it_is_known(edge):
    """They are refused, and asked again."""
    with open_raw(edge, acknowledge=False) as c:
        c.write(b"".join(headers(s, GET) for s in range(1, 401, 2)))
        c.until(lambda: all(c.ended(s) or c.reset_of(s) == 7 for s in range(1, 401, 2)))
        assert c.goaway is None
