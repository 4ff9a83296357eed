"""RFC 9113 and RFC 7541, clause by clause: what a client must not send is an error of the stream or of the
connection, with the code that the clause names; what it may send is served."""

import threading

import pytest

from support.backend import Backend, reply
from support.edge import ZONE, Edge
from support.http2 import frame
from support.http2_raw import (ACK, COMPRESSION_ERROR, END_HEADERS, END_STREAM, FLOW_CONTROL_ERROR,
                               FRAME_SIZE_ERROR, NO_ERROR, PADDED, PREFACE, PRIORITY_FLAG,
                               PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED, Raw, block,
                               continuation, data, headers, integer, literal, pseudo, reset,
                               settings, text, u32, window)
from support.net import PATIENCE

HOST = "web." + ZONE
GET = block(pseudo(HOST))
HEAD_OF_POST = pseudo(HOST, "POST", "/post")
POST = block(HEAD_OF_POST)
BIG = block(pseudo(HOST, path="/big"))
TABLE_SIZE, PUSH, STREAMS, WINDOW, FRAME_SIZE, LIST_SIZE = 1, 2, 3, 4, 5, 6
MOST = (1 << 31) - 1


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        b.on("/big", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url}], "limits": {"max_streams": 10}}) as e:
        yield e


def open_raw(edge, **kw):
    return Raw(edge.tls(HOST, alpn=("h2",)), **kw)


def post(stream, fields=(), end=False):
    return headers(stream, block(HEAD_OF_POST + list(fields)), end=end)


def served(stream):
    return headers(stream, GET)


# --- errors of the connection: what is sent, and the codes that may answer

def huffman(payload):
    """A field whose value is said to be in Huffman's code."""
    return b"\0" + text("x") + bytes([0x80 | len(payload)]) + payload


CONNECTION_ERRORS = {
    # 4.1, 4.2 frames
    "a frame above the size": (data(0, b"x" * 16385), {FRAME_SIZE_ERROR}),
    "a frame of 16 MiB": (b"\xff\xff\xff\xbe" + b"\0" * 5, {FRAME_SIZE_ERROR}),
    "a head of 16 MiB": (b"\xff\xff\xff\1" + b"\0" * 4 + b"\1", {FRAME_SIZE_ERROR}),
    "HEADERS above the size": (headers(1, GET + literal("x", "y" * 16384)), {FRAME_SIZE_ERROR}),
    "an unknown frame above the size": (frame(0xbe, 0, 0, b"x" * 16385), {FRAME_SIZE_ERROR}),
    # 4.3 field blocks
    "PRIORITY in a head": (headers(1, GET[:5], more=True) + frame("PRIORITY", 0, 1, b"\0\0\0\0\1"),
                           {PROTOCOL_ERROR}),
    "DATA in a head": (headers(1, GET[:5], more=True) + data(1), {PROTOCOL_ERROR}),
    "an unknown frame in a head": (headers(1, GET[:5], more=True) + frame(0xbe), {PROTOCOL_ERROR}),
    "HEADERS in a head": (headers(1, GET[:5], more=True) + headers(3, GET), {PROTOCOL_ERROR}),
    "CONTINUATION of another stream": (headers(1, GET[:5], more=True) +
                                       continuation(3, GET[5:], end=True), {PROTOCOL_ERROR}),
    # 5.1 states
    "DATA on an idle stream": (data(1, b"x"), {PROTOCOL_ERROR}),
    "RST_STREAM on an idle stream": (reset(1), {PROTOCOL_ERROR}),
    "WINDOW_UPDATE on an idle stream": (window(1, 1), {PROTOCOL_ERROR}),
    "CONTINUATION on an idle stream": (continuation(1, GET, end=True), {PROTOCOL_ERROR}),
    "DATA after the end": (served(1) + data(1, b"x"), {STREAM_CLOSED}),
    "HEADERS after the end": (served(1) + headers(1, GET), {STREAM_CLOSED}),
    "DATA after a reset": (post(1) + reset(1) + data(1, b"x"), {STREAM_CLOSED}),
    "HEADERS after a reset": (post(1) + reset(1) + headers(1, GET), {STREAM_CLOSED}),
    # 5.1.1 identifiers
    "an even stream": (headers(2, GET), {PROTOCOL_ERROR}),
    "a stream below the last": (served(5) + served(3), {PROTOCOL_ERROR}),
    "a stream below the last, much later": (served(21) + b"".join(served(s) for s in (23, 25)) +
                                            served(1), {PROTOCOL_ERROR}),
    # 6.1 DATA
    "DATA on the connection": (data(0, b"x"), {PROTOCOL_ERROR}),
    "DATA, padding as long as it": (post(1) + frame("DATA", PADDED, 1, b"\1"), {PROTOCOL_ERROR}),
    "DATA, padding longer than it": (post(1) + frame("DATA", PADDED, 1, b"\xffxxx"),
                                     {PROTOCOL_ERROR}),
    # 6.2 HEADERS
    "HEADERS on the connection": (headers(0, GET), {PROTOCOL_ERROR}),
    "HEADERS, padding longer than it": (frame("HEADERS", PADDED | 5, 1, b"\xff" + GET),
                                        {PROTOCOL_ERROR}),
    "HEADERS, no room for priority": (frame("HEADERS", PRIORITY_FLAG | 5, 1, b"\0\0\0\0"),
                                      {FRAME_SIZE_ERROR, PROTOCOL_ERROR}),
    # 6.3 PRIORITY
    "PRIORITY on the connection": (frame("PRIORITY", 0, 0, b"\0\0\0\1\1"), {PROTOCOL_ERROR}),
    # 6.4 RST_STREAM
    "RST_STREAM on the connection": (reset(0), {PROTOCOL_ERROR}),
    "RST_STREAM, short": (served(1) + frame("RST_STREAM", 0, 1, b"\0\0\0"), {FRAME_SIZE_ERROR}),
    # 6.5 SETTINGS
    "SETTINGS on a stream": (frame("SETTINGS", 0, 1), {PROTOCOL_ERROR}),
    "SETTINGS of five bytes": (frame("SETTINGS", 0, 0, b"\0\1\0\0\0"), {FRAME_SIZE_ERROR}),
    "SETTINGS, acknowledged with values": (frame("SETTINGS", ACK, 0, b"\0\1\0\0\0\0"),
                                           {FRAME_SIZE_ERROR}),
    "SETTINGS, push of two": (settings((PUSH, 2)), {PROTOCOL_ERROR}),
    "SETTINGS, a window of 2^31": (settings((WINDOW, 1 << 31)), {FLOW_CONTROL_ERROR}),
    "SETTINGS, frames of 16383": (settings((FRAME_SIZE, 16383)), {PROTOCOL_ERROR}),
    "SETTINGS, frames of 2^24": (settings((FRAME_SIZE, 1 << 24)), {PROTOCOL_ERROR}),
    "SETTINGS, CONNECT protocol of two": (settings((8, 2)), {PROTOCOL_ERROR}),
    # 6.6 PUSH_PROMISE
    "PUSH_PROMISE": (post(1) + frame("PUSH_PROMISE", END_HEADERS, 1, u32(2) + GET),
                     {PROTOCOL_ERROR}),
    # 6.7 PING
    "PING on a stream": (frame("PING", 0, 1, b"12345678"), {PROTOCOL_ERROR}),
    "PING of seven bytes": (frame("PING", 0, 0, b"1234567"), {FRAME_SIZE_ERROR}),
    # 6.8 GOAWAY
    "GOAWAY on a stream": (frame("GOAWAY", 0, 1, u32(0) * 2), {PROTOCOL_ERROR}),
    "GOAWAY of seven bytes": (frame("GOAWAY", 0, 0, b"\0" * 7), {FRAME_SIZE_ERROR}),
    # 6.9 WINDOW_UPDATE
    "WINDOW_UPDATE by nothing": (window(0, 0), {PROTOCOL_ERROR}),
    "WINDOW_UPDATE by nothing, of a stream": (post(1) + window(1, 0), {PROTOCOL_ERROR}),
    "WINDOW_UPDATE of three bytes": (frame("WINDOW_UPDATE", 0, 0, b"\0\0\1"), {FRAME_SIZE_ERROR}),
    "a window beyond 2^31-1": (window(0, MOST) * 2, {FLOW_CONTROL_ERROR}),
    "SETTINGS that open a stream's window beyond": (
        post(1) + window(1, MOST - 65535) + settings((WINDOW, 65536)), {FLOW_CONTROL_ERROR}),
    # 6.10 CONTINUATION
    "CONTINUATION on the connection": (headers(1, GET[:5], more=True) + continuation(0, GET[5:]),
                                       {PROTOCOL_ERROR}),
    "CONTINUATION behind the end of a head": (served(1) + continuation(1, b"", end=True),
                                              {PROTOCOL_ERROR}),
    "CONTINUATION behind DATA": (post(1) + data(1, b"x") + continuation(1, b"", end=True),
                                 {PROTOCOL_ERROR}),
    # RFC 7541
    "an index of nothing": (headers(1, GET + b"\x80"), {COMPRESSION_ERROR}),
    "an index beyond the tables": (headers(1, GET + integer(200, 7, 0x80)), {COMPRESSION_ERROR}),
    "a name beyond the tables": (headers(1, GET + integer(200, 4) + text("x")),
                                 {COMPRESSION_ERROR}),
    "a table above the limit": (headers(1, integer(4097, 5, 0x20) + GET), {COMPRESSION_ERROR}),
    "a table size behind a field": (headers(1, GET + b"\x20"), {COMPRESSION_ERROR}),
    "an integer without end": (headers(1, GET + b"\xff" + b"\xff" * 20), {COMPRESSION_ERROR}),
    "a string longer than the block": (headers(1, GET + b"\0\x01x\x7f"), {COMPRESSION_ERROR}),
    "a block that breaks off": (headers(1, GET + b"\0"), {COMPRESSION_ERROR}),
    "Huffman, the end of string": (headers(1, GET + huffman(b"\xff\xff\xff\xff")),
                                   {COMPRESSION_ERROR}),
    "Huffman, padded with zeros": (headers(1, GET + huffman(b"\x18")), {COMPRESSION_ERROR}),
    "Huffman, padded with a byte": (headers(1, GET + huffman(b"\x1f\xff")), {COMPRESSION_ERROR}),
    "a broken block in trailers": (post(1) + headers(1, b"\x80"), {COMPRESSION_ERROR}),
    "a broken block of a refused stream": (served(1) + headers(1, b"\x80"),
                                           {COMPRESSION_ERROR, STREAM_CLOSED}),
}


@pytest.mark.parametrize("what", CONNECTION_ERRORS)
def test_errors_of_the_connection(edge, what):
    sent, codes = CONNECTION_ERRORS[what]
    with open_raw(edge) as c:
        c.until(lambda: len(c.of("SETTINGS")) == 2)
        c.ping()
        c.write(sent)
        assert c.ends() in codes


PREFACES = {
    "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "another version": PREFACE.replace(b"2.0", b"3.0") + settings(),
    "no SETTINGS": PREFACE + served(1),
    "PING first": PREFACE + frame("PING", 0, 0, b"12345678"),
    "SETTINGS acknowledged first": PREFACE + frame("SETTINGS", ACK),
}


@pytest.mark.parametrize("what", PREFACES)
def test_prefaces(edge, what):
    with open_raw(edge, preface=PREFACES[what], first=b"") as c:
        assert c.ends() == PROTOCOL_ERROR


# --- errors of a stream; the connection goes on

def bad_head(*fields, host=HOST, method="GET", path="/", scheme="https"):
    return headers(1, block(pseudo(host, method, path, scheme) + list(fields)))


def without(name):
    return headers(1, block([f for f in pseudo(HOST) if f[0] != name]))


STREAM_ERRORS = {
    # 8.2 fields
    "upper case": (bad_head(("X", "y")), {PROTOCOL_ERROR}),
    "a name with a space": (bad_head(("x y", "1")), {PROTOCOL_ERROR}),
    "a name with a colon": (bad_head(("x:", "1")), {PROTOCOL_ERROR}),
    "a name of nothing": (bad_head(("", "1")), {PROTOCOL_ERROR}),
    "a name with NUL": (bad_head(("x\0", "1")), {PROTOCOL_ERROR}),
    "a name with 8 bits": (bad_head(("x\xe4", "1")), {PROTOCOL_ERROR}),
    "a value with CR": (bad_head(("x", "a\rb")), {PROTOCOL_ERROR}),
    "a value with LF": (bad_head(("x", "a\nb")), {PROTOCOL_ERROR}),
    "a value with NUL": (bad_head(("x", "a\0b")), {PROTOCOL_ERROR}),
    "a value with a space before": (bad_head(("x", " a")), {PROTOCOL_ERROR}),
    "a value with a tab behind": (bad_head(("x", "a\t")), {PROTOCOL_ERROR}),
    "connection": (bad_head(("connection", "x")), {PROTOCOL_ERROR}),
    "keep-alive": (bad_head(("keep-alive", "x")), {PROTOCOL_ERROR}),
    "proxy-connection": (bad_head(("proxy-connection", "x")), {PROTOCOL_ERROR}),
    "transfer-encoding": (bad_head(("transfer-encoding", "chunked")), {PROTOCOL_ERROR}),
    "upgrade": (bad_head(("upgrade", "x")), {PROTOCOL_ERROR}),
    "te: gzip": (bad_head(("te", "gzip")), {PROTOCOL_ERROR}),
    "te: trailers, gzip": (bad_head(("te", "trailers, gzip")), {PROTOCOL_ERROR}),
    # 8.3 pseudo fields
    "unknown pseudo field": (bad_head((":x", "1")), {PROTOCOL_ERROR}),
    ":status": (bad_head((":status", "200")), {PROTOCOL_ERROR}),
    "pseudo field behind a field": (headers(1, block(pseudo(HOST)[:3] + [("x", "1")] +
                                                     pseudo(HOST)[3:])), {PROTOCOL_ERROR}),
    ":method twice": (bad_head((":method", "GET")), {PROTOCOL_ERROR}),
    ":scheme twice": (bad_head((":scheme", "https")), {PROTOCOL_ERROR}),
    ":path twice": (bad_head((":path", "/")), {PROTOCOL_ERROR}),
    ":authority twice": (bad_head((":authority", HOST)), {PROTOCOL_ERROR}),
    "no :method": (without(":method"), {PROTOCOL_ERROR}),
    "no :scheme": (without(":scheme"), {PROTOCOL_ERROR}),
    "no :path": (without(":path"), {PROTOCOL_ERROR}),
    "no host at all": (without(":authority"), {PROTOCOL_ERROR}),
    "empty :path": (bad_head(path=""), {PROTOCOL_ERROR}),
    "empty :method": (bad_head(method=""), {PROTOCOL_ERROR}),
    "empty :scheme": (bad_head(scheme=""), {PROTOCOL_ERROR}),
    ":method with a space": (bad_head(method="GET /"), {PROTOCOL_ERROR}),
    "host twice": (bad_head(("host", HOST), ("host", HOST)), {PROTOCOL_ERROR}),
    "pseudo field in trailers": (post(1) + headers(1, block([(":path", "/")])), {PROTOCOL_ERROR}),
    "trailers without the end": (post(1) + headers(1, block([("x", "y")]), end=False),
                                 {PROTOCOL_ERROR}),
    "connection in trailers": (post(1) + headers(1, block([("connection", "x")])),
                               {PROTOCOL_ERROR}),
    # 8.1.1 content-length
    "less than announced": (post(1, [("content-length", "2")]) + data(1, b"x", end=True),
                            {PROTOCOL_ERROR}),
    "less than announced, then trailers": (post(1, [("content-length", "2")]) + data(1, b"x") +
                                           headers(1, block([("x", "y")])), {PROTOCOL_ERROR}),
    "more than announced": (post(1, [("content-length", "1")]) + data(1, b"xx", end=True),
                            {PROTOCOL_ERROR}),
    "announced and ended": (post(1, [("content-length", "1")], end=True), {PROTOCOL_ERROR}),
    "announced twice": (post(1, [("content-length", "1")] * 2) + data(1, b"x", end=True),
                        {PROTOCOL_ERROR}),
    "announced in letters": (post(1, [("content-length", "x")]), {PROTOCOL_ERROR}),
    "announced below nothing": (post(1, [("content-length", "-1")]), {PROTOCOL_ERROR}),
    "announced with a sign": (post(1, [("content-length", "+1")]), {PROTOCOL_ERROR}),
    "announced beyond 64 bits": (post(1, [("content-length", "9" * 30)]), {PROTOCOL_ERROR}),
    # 6.9.1
    "a stream's window beyond 2^31-1": (post(1) + window(1, MOST) * 2, {FLOW_CONTROL_ERROR}),
}
ANSWERED = {  # read, and refused with a status
    "authority with a user": (bad_head(host="u@" + HOST), 400),
    "host differs from :authority": (bad_head(("host", "other." + ZONE)), 400),
    "a path that is none": (bad_head(path="x"), 400),
    "a path with a fragment": (bad_head(path="/#x"), 400),
    "* for GET": (bad_head(path="*"), 400),
}


def is_refused(c):
    return c.reset_of(1) is not None or (c.ended(1) and 400 <= c.status(1) < 500)


@pytest.mark.parametrize("what", {**STREAM_ERRORS, **ANSWERED})
def test_errors_of_a_stream(edge, back, what):
    """Nothing of it reaches the backend as a whole request, and the next one is served."""
    sent, expected = {**STREAM_ERRORS, **ANSWERED}[what]
    back.forget()
    with open_raw(edge) as c:
        c.write(sent)
        c.until(lambda: is_refused(c), "its refusal")
        if what in STREAM_ERRORS:
            assert c.reset_of(1) in expected
        else:
            assert c.status(1) in (expected, None) or c.reset_of(1) == PROTOCOL_ERROR
        c.write(served(3))
        c.until(lambda: c.ended(3))
        assert c.status(3) == 200 and c.goaway is None
    assert [r.target for r in back.seen()] == ["/"]


def test_frame_sizes_of_a_stream(edge):
    """PRIORITY of another size is an error of its stream (6.3); nghttp2 ends the connection, as 5.4 lets
    it."""
    with open_raw(edge) as c:
        c.write(post(1) + frame("PRIORITY", 0, 1, b"\0\0\0\0"))
        c.until(lambda: c.reset_of(1) is not None or c.goaway is not None)
        assert FRAME_SIZE_ERROR in (c.reset_of(1), c.goaway)


def test_a_stream_that_depends_on_itself(edge):
    with open_raw(edge) as c:
        c.write(headers(1, u32(1) + b"\1" + GET, flags=PRIORITY_FLAG))
        c.until(lambda: c.reset_of(1) is not None or c.goaway is not None)
        assert PROTOCOL_ERROR in (c.reset_of(1), c.goaway)


def test_more_streams_than_allowed(edge):
    """Before the limit is acknowledged they are refused, after it the connection is in error (5.1.2)."""
    with open_raw(edge, acknowledge=False) as c:
        c.write(b"".join(post(s) for s in range(1, 25, 2)))
        c.until(lambda: len(c.of("RST_STREAM")) == 2)
        assert [c.reset_of(s) for s in (21, 23)] == [REFUSED_STREAM] * 2
        c.write(data(21, b"x", end=True))  # it may not have heard
        c.ping()
        assert c.goaway is None
    with open_raw(edge) as c:
        c.ping()
        c.write(b"".join(post(s) for s in range(1, 23, 2)))
        assert c.ends() in (PROTOCOL_ERROR, REFUSED_STREAM)


def test_more_than_the_window(edge, back):
    """An upload whose backend takes nothing, beyond what was let in (6.9.1)."""
    over = threading.Event()
    back.on("/shut", lambda c, _: over.wait(PATIENCE) and reply(), streaming=True)
    with open_raw(edge) as c:
        c.ping()
        c.write(headers(1, block(pseudo(HOST, "POST", "/shut")), end=False))
        for _ in range(70000000 // 16384):
            if not c.write(data(1, b"x" * 16384)) or c.reset_of(1) is not None:
                break
        over.set()
        assert FLOW_CONTROL_ERROR in (c.reset_of(1), c.goaway), (c.closed, c.sent, c.frames[-3:])


def room_after_upload(c, stream, most):
    """Sends as far as the stream's window goes, at most MOST bytes; how far it is open then."""
    room, sent, seen = 128 << 10, 0, 0
    while sent < most:
        c.ping()
        updates = c.of("WINDOW_UPDATE", stream)
        room += sum(int.from_bytes(f.payload, "big") for f in updates[seen:])
        seen = len(updates)
        if room < 16384:
            break
        c.write(data(stream, b"x" * 16384))
        sent, room = sent + 16384, room - 16384
    return room, sent


def test_a_backend_that_keeps_up_gets_a_wider_window(edge):
    with open_raw(edge) as c:
        c.write(post(1))
        room, _ = room_after_upload(c, 1, 8 << 20)
        assert 128 << 10 < room <= 768 << 10
        c.write(data(1, end=True) + window(0, 1 << 24) + settings((WINDOW, 1 << 24)) + window(1, 1 << 24))
        c.until(lambda: c.ended(1))
        assert c.status(1) == 200


# --- what is allowed

FINE = {
    "unknown frames and flags": frame(0xbe, 0xff, 0, b"x") + frame("PING", 0xfe, 0, b"12345678") +
                                frame(0x20, 0, 77, b"y"),
    "unknown settings": settings((0xbeef, 1), (9, 0)),
    "the reserved bit": frame("WINDOW_UPDATE", 0, 1 << 31, u32(1 | 1 << 31)),
    "PRIORITY of an idle stream": frame("PRIORITY", 0, 99, b"\0\0\0\0\1"),
    "padding of nothing": frame("HEADERS", PADDED | END_HEADERS | END_STREAM, 1, b"\0" + GET),
    "padding that fills the frame": frame("HEADERS", PADDED | END_HEADERS | END_STREAM, 1,
                                          b"\xff" + GET + b"\0" * 255),
    "padding and priority": frame("HEADERS", PADDED | PRIORITY_FLAG | END_HEADERS | END_STREAM, 1,
                                  b"\2" + u32(0) + b"\x10" + GET + b"\0\0"),
    "CONTINUATIONs by the byte": headers(1, b"", more=True) +
                                 b"".join(continuation(1, GET[i:i + 4])
                                          for i in range(0, len(GET), 4)) +
                                 continuation(1, b"", end=True),
    "END_STREAM, then CONTINUATION": headers(1, GET[:9], more=True) +
                                     continuation(1, GET[9:], end=True),
    "WINDOW_UPDATE after the end": served(1) + window(1, 1),
    "RST_STREAM after the end": served(1) + reset(1, NO_ERROR),
    "PRIORITY after the end": served(1) + frame("PRIORITY", 0, 1, b"\0\0\0\0\1"),
    "ids that are passed over": served(1) + served(101),
    "te: trailers": headers(1, block(pseudo(HOST) + [("te", "trailers")])),
    "host as :authority": headers(1, block(pseudo(HOST) + [("host", HOST)])),
    "host instead of :authority": headers(1, block(pseudo(HOST)[:2] + pseudo(HOST)[3:] +
                                                   [("host", HOST)])),
    "empty value": headers(1, block(pseudo(HOST) + [("x", "")])),
    "8 bits in a value": headers(1, block(pseudo(HOST) + [("x", "\xe4")])),
    "a table of nothing, and of all": headers(1, b"\x20" + integer(4096, 5, 0x20) + GET),
    "a field never to be indexed": headers(1, GET + b"\x10" + text("x") + text("y")),
    "an entry larger than the table": headers(1, GET + literal("x", "y" * 5000, index=True)),
    "Huffman": headers(1, GET + huffman(b"\x1f")),
    "an integer in more bytes than it needs": headers(1, GET + b"\0\x7f\x80\x00" + b"x" * 127 +
                                                      b"\1y"),
    "PING acknowledged unasked": frame("PING", ACK, 0, b"12345678"),
    "push allowed": settings((PUSH, 1)),
    "the largest window": window(0, MOST - 65535) + settings((WINDOW, MOST)),
}


@pytest.mark.parametrize("what", FINE)
def test_what_is_allowed(edge, what):
    with open_raw(edge) as c:
        c.until(lambda: len(c.of("SETTINGS")) == 2)
        c.ping()
        c.write(FINE[what])
        c.write(served(201))
        c.until(lambda: c.ended(201))
        assert c.status(201) == 200 and c.goaway is None
        if FINE[what].find(GET[:9]) > 0:
            c.until(lambda: c.ended(1) or c.reset_of(1) is not None or "RST_STREAM" in what)
            assert c.status(1) in (200, None)


def test_a_goaway_of_the_client_lets_its_streams_end(edge):
    with open_raw(edge) as c:
        c.write(post(1) + frame("GOAWAY", 0, 0, u32(0) + u32(NO_ERROR) + b"bye"))
        c.write(data(1, b"x", end=True))
        c.until(lambda: c.ended(1))
        assert c.status(1) == 200


def test_windows_that_go_below_nothing(edge):
    """SETTINGS may take back what a stream has used already (6.9.2)."""
    with open_raw(edge, first=settings((WINDOW, 50))) as c:
        c.write(headers(1, BIG))
        c.until(lambda: sum(len(f.payload) for f in c.of("DATA")) == 50)
        c.write(settings((WINDOW, 10)) + window(1, 40))
        c.ping()
        assert sum(len(f.payload) for f in c.of("DATA")) == 50
        c.write(window(1, 1))
        c.until(lambda: sum(len(f.payload) for f in c.of("DATA")) == 51)
        c.write(settings((WINDOW, 100)))
        c.until(lambda: c.ended(1))


def test_settings_are_acknowledged_in_order(edge):
    with open_raw(edge) as c:
        c.write(b"".join(settings((WINDOW, 65535 + i)) for i in range(5)))
        c.ping()
        assert len([f for f in c.of("SETTINGS") if f.flags & ACK]) == 6


def test_a_ping_is_answered_as_it_came(edge):
    with open_raw(edge) as c:
        c.ping(b"\0\1\2\3\xff\xfe\xfd\xfc")
        assert c.of("PING")[0] == ("PING", ACK, 0, b"\0\1\2\3\xff\xfe\xfd\xfc")


def test_the_table_of_fields_lives_on_whatever_became_of_the_stream(edge, back):
    """Blocks of streams that are refused are decoded all the same (4.3)."""
    with open_raw(edge) as c:
        c.write(headers(1, GET + literal("x", "a\rb") + literal("x-kept", "first", index=True)))
        c.until(lambda: c.reset_of(1) is not None)
        c.write(headers(3, GET + b"\xbe"))
        c.until(lambda: c.ended(3))
        assert back.last.get("x-kept") == "first"
