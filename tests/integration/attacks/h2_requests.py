"""HTTP/2 requests that would be something else as HTTP/1.1, or that lie about themselves.

One row an attack: name; what is sent; what the client sees; what the backend sees; clause (RFC 9113 where no
other is named). What is sent: a list of fields (all of the head, END_STREAM), or a list of steps: fields (a
head without END_STREAM), bytes (DATA), `Trailers`, `FIN` (END_STREAM on an empty DATA frame).

A malformed request is a stream error of type PROTOCOL_ERROR (8.1.1), before which a server may answer; what
is well-formed and not acceptable is answered.
"""

# pylint: disable=line-too-long
from dataclasses import dataclass

from .words import ABC, CUT, EMPTY, HOST, NOTHING, OK, RESET, AtMost, Says, Seen, got


@dataclass(frozen=True)
class Trailers:
    fields: tuple


FIN = object()
INJECTED = "GET /evil HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n"


def head(*more, method="GET", path="/a", host=HOST, scheme="https"):
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path), *more]


def post(*more, **kw):
    return head(*more, method="POST", **kw)


# pseudo-fields: each once, none unknown, before the others
PSEUDO = [
    ("no :method", head()[1:], RESET, NOTHING, "8.3.1"),
    ("no :scheme", [head()[0]] + head()[2:], RESET, NOTHING, "8.3.1"),
    ("no :path", head()[:3], RESET, NOTHING, "8.3.1"),
    ("no :authority, no host", [head()[0], head()[1], head()[3]], RESET, NOTHING, "8.3.1"),
    ("no pseudo-field", [("x", "y")], RESET, NOTHING, "8.3.1"),
    (":method twice", head()[:1] + head(), RESET, NOTHING, "8.3"),
    (":path twice", head() + [(":path", "/evil")], RESET, NOTHING, "8.3"),
    (":scheme twice", head() + [(":scheme", "http")], RESET, NOTHING, "8.3"),
    (":authority twice", head() + [(":authority", "api.linkup.test")], RESET, NOTHING, "8.3"),
    (":status in a request", head((":status", "200")), RESET, NOTHING, "8.3"),
    ("an unknown pseudo-field", head((":evil", "1")), RESET, NOTHING, "8.3"),
    ("a pseudo-field without a name", head((":", "1")), RESET, NOTHING, "8.3"),
    ("a pseudo-field behind a field", head()[:3] + [("x", "1")] + head()[3:], RESET, NOTHING, "8.3"),
    ("a pseudo-field in another case", [(":Method", "GET")] + head()[1:], RESET, NOTHING, "8.3"),
    (":protocol without CONNECT", head((":protocol", "websocket")), RESET, NOTHING, "8441 4"),
    ("CONNECT", [(":method", "CONNECT"), (":authority", "evil.test:443")], Says(501), NOTHING, "9110 9.3.6"),
    ("CONNECT with a path", head(method="CONNECT"), RESET, NOTHING, "8.5"),
    ("CONNECT to another protocol", head((":protocol", "x"), method="CONNECT"), Says(501), NOTHING, "8441 4"),
    ("CONNECT to a WebSocket without a path", [(":method", "CONNECT"), (":protocol", "websocket"), (":authority", HOST)], RESET, NOTHING, "8441 4"),
    ("CONNECT to a WebSocket of another host", head((":protocol", "websocket"), method="CONNECT", host="evil.test"), Says(421), NOTHING, "8441 4"),
    ("CONNECT to a protocol with CRLF", head((":protocol", "websocket\r\nX: y"), method="CONNECT"), RESET, NOTHING, "8.2.1"),
    (":protocol twice", head((":protocol", "websocket"), (":protocol", "x"), method="CONNECT"), RESET, NOTHING, "8.3"),
]

# what would end the request line, or the request
LINE = [
    (":method empty", head(method=""), RESET, NOTHING, "9110 9.1"),
    (":method with a space", head(method="GET /evil HTTP/1.1"), RESET, NOTHING, "9110 9.1"),
    (":method with CRLF", head(method="GET / HTTP/1.1\r\nX: y\r\n\r\nGET"), RESET, NOTHING, "8.2.1"),
    (":method with LF", head(method="GET\nX"), RESET, NOTHING, "8.2.1"),
    (":method with a tab", head(method="GET\t"), RESET, NOTHING, "9110 9.1"),
    (":method with a NUL", head(method="GET\0"), RESET, NOTHING, "8.2.1"),
    (":method with a colon", head(method="GET:"), RESET, NOTHING, "9110 9.1"),
    (":method above ASCII", head(method="G\xcbT"), RESET, NOTHING, "9110 9.1"),
    (":path empty", head(path=""), RESET, NOTHING, "8.3.1"),
    (":path without a slash", head(path="a"), RESET, NOTHING, "8.3.1"),
    (":path in absolute-form", head(path="https://evil.test/a"), RESET, NOTHING, "8.3.1"),
    (":path that begins with a host", head(path="@evil.test/a"), RESET, NOTHING, "8.3.1"),
    (":path that begins with a port", head(path=":80/a"), RESET, NOTHING, "8.3.1"),
    (":path * with GET", head(path="*"), RESET, NOTHING, "8.3.1"),
    (":path with a space", head(path="/a HTTP/1.1"), RESET, NOTHING, "8.2.1"),
    (":path with a request", head(path="/a HTTP/1.1\r\nHost: " + HOST + "\r\n\r\n" + INJECTED), RESET, NOTHING, "8.2.1"),
    (":path with CRLF", head(path="/a\r\nX: y"), RESET, NOTHING, "8.2.1"),
    (":path with LF", head(path="/a\nX: y"), RESET, NOTHING, "8.2.1"),
    (":path with CR", head(path="/a\rX: y"), RESET, NOTHING, "8.2.1"),
    (":path with a tab", head(path="/a\tHTTP/1.1"), RESET, NOTHING, "8.3.1"),
    (":path with a NUL", head(path="/a\0"), RESET, NOTHING, "8.2.1"),
    (":path with a fragment", head(path="/a#b"), Says(400), NOTHING, "8.3.1"),
    (":path above ASCII", head(path="/\xe4"), Says(400), NOTHING, "8.3.1"),
    (":path with a DEL", head(path="/\x7f"), RESET, NOTHING, "8.3.1"),
    (":path beyond 16 KiB", head(path="/" + "a" * 16384), Says(414), NOTHING, "9110 15.5.15"),
    (":scheme with a request line", head(scheme="http://evil.test/evil?"), RESET, NOTHING, "8.3.1"),
    (":scheme with CRLF", head(scheme="https\r\nX: y"), RESET, NOTHING, "8.2.1"),
    (":scheme with a space", head(scheme="https /evil HTTP/1.1"), RESET, NOTHING, "8.3.1"),
    (":scheme empty", head(scheme=""), RESET, NOTHING, "8.3.1"),
    ("encoded line ends stay encoded", head(path="/%0d%0aX:%20y"), OK, got(target="/%0d%0aX:%20y"), "8.3.1"),
    ("two slashes stay a path", head(path="//evil.test/a"), OK, got(target="//evil.test/a"), "8.3.1"),
]

# which host it is for
AUTHORITY = [
    (":authority empty", head(host=""), RESET, NOTHING, "8.3.1"),
    (":authority with user info", head(host="u@" + HOST), Says(400), NOTHING, "8.3.1"),
    (":authority with a path", head(host=HOST + "/x"), RESET, NOTHING, "8.3.1"),
    (":authority with a space", head(host=HOST + " x"), RESET, NOTHING, "8.3.1"),
    (":authority with CRLF", head(host=HOST + "\r\nX: y"), RESET, NOTHING, "8.2.1"),
    (":authority with LF", head(host=HOST + "\nX: y"), RESET, NOTHING, "8.2.1"),
    (":authority with a NUL", head(host=HOST + "\0"), RESET, NOTHING, "8.2.1"),
    (":authority with a comma", head(host=HOST + ",evil.test"), Says(400), NOTHING, "8.3.1"),
    (":authority with a backslash", head(host=HOST + "\\evil.test"), RESET, NOTHING, "8.3.1"),
    (":authority with a query", head(host=HOST + "?x"), RESET, NOTHING, "8.3.1"),
    (":authority with a fragment", head(host=HOST + "#x"), RESET, NOTHING, "8.3.1"),
    (":authority above ASCII", head(host="w\xe9b.linkup.test"), RESET, NOTHING, "8.3.1"),
    (":authority with a port of letters", head(host=HOST + ":x"), Says(400), NOTHING, "8.3.1"),
    (":authority that the certificate does not have", head(host="evil.test"), Says(421), NOTHING, "9110 15.5.20"),
    ("host that differs", head(("host", "api.linkup.test")), Says(400), NOTHING, "8.3.1"),
    ("host that is empty", head(("host", "")), RESET, NOTHING, "8.3.1"),
    ("host twice", head(("host", HOST), ("host", HOST)), RESET, NOTHING, "8.3.1"),
    ("host twice, no :authority", [head()[0], head()[1], head()[3], ("host", HOST), ("host", "api.linkup.test")], RESET, NOTHING, "8.3.1"),
    ("host with CRLF", [head()[0], head()[1], head()[3], ("host", HOST + "\r\nX: y")], RESET, NOTHING, "8.2.1"),
    ("host with a path", [head()[0], head()[1], head()[3], ("host", HOST + "/evil")], RESET, NOTHING, "8.3.1"),
    ("host that is equal", head(("host", HOST)), OK, EMPTY, "8.3.1"),
    ("host alone", [head()[0], head()[1], head()[3], ("host", HOST)], OK, EMPTY, "8.3.1"),
]

# names and values that HTTP/1.1 would read as more
FIELDS = [
    ("CRLF in a value", head(("x", "1\r\nEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("a request in a value", head(("x", "1\r\n\r\n" + INJECTED)), RESET, NOTHING, "8.2.1"),
    ("a coding in a value", post(("x", "1\r\nTransfer-Encoding: chunked")), RESET, NOTHING, "8.2.1"),
    ("LF in a value", head(("x", "1\nEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("CR in a value", head(("x", "1\rEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("LF ends a value", head(("x", "1\n")), RESET, NOTHING, "8.2.1"),
    ("CRLF ends a value", head(("x", "1\r\n")), RESET, NOTHING, "8.2.1"),
    ("LF begins a value", head(("x", "\nEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("NUL in a value", head(("x", "a\0b")), RESET, NOTHING, "8.2.1"),
    ("a control character in a value", head(("x", "\x01")), RESET, NOTHING, "9110 5.5"),
    ("DEL in a value", head(("x", "\x7f")), RESET, NOTHING, "9110 5.5"),
    ("white space begins a value", head(("x", " y")), RESET, NOTHING, "8.2.1"),
    ("white space ends a value", head(("x", "y\t")), RESET, NOTHING, "8.2.1"),
    ("CRLF in a cookie", head(("cookie", "a=b\r\nEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("CRLF in a cookie's crumb", head(("cookie", "a=b"), ("cookie", "c\r\nEvil: 1")), RESET, NOTHING, "8.2.1"),
    ("CRLF in a name", head(("x\r\nevil", "1")), RESET, NOTHING, "8.2.1"),
    ("a line in a name", head(("x: y\r\nevil", "1")), RESET, NOTHING, "8.2.1"),
    ("a request in a name", head(("x: y\r\n\r\nget /evil http/1.1\r\nhost", "1")), RESET, NOTHING, "8.2.1"),
    ("LF in a name", head(("x\ny", "1")), RESET, NOTHING, "8.2.1"),
    ("NUL in a name", head(("x\0", "1")), RESET, NOTHING, "8.2.1"),
    ("colon in a name", head(("transfer-encoding: chunked\r\nx", "1")), RESET, NOTHING, "8.2.1"),
    ("colon ends a name", head(("x:", "1")), RESET, NOTHING, "8.2.1"),
    ("space in a name", head(("x y", "1")), RESET, NOTHING, "8.2.1"),
    ("space ends a name", head(("transfer-encoding ", "chunked")), RESET, NOTHING, "8.2.1"),
    ("upper case in a name", head(("X", "1")), RESET, NOTHING, "8.2.1"),
    ("a coding in upper case", post(("Transfer-Encoding", "chunked")), RESET, NOTHING, "8.2.1"),
    ("a name above ASCII", head(("x\xe4", "1")), RESET, NOTHING, "8.2.1"),
    ("a name with a bracket", head(("x[1]", "1")), RESET, NOTHING, "9110 5.1"),
    ("an empty name", head(("", "1")), RESET, NOTHING, "8.2.1"),
    ("an underscore for the length", head(("content_length", "44")), OK, EMPTY, "9110 16.3.2.3"),
    ("an underscore for the coding", head(("transfer_encoding", "chunked")), OK, EMPTY, "9110 16.3.2.3"),
    ("a value above ASCII", head(("x", "\xe4")), OK, EMPTY, "9110 5.5"),
    ("fields beyond count", head(*[("x", "1")] * 201), Says(431), NOTHING, "6585 5"),
]

# fields of one HTTP/1.1 hop
HOPS = [
    ("connection", head(("connection", "close")), RESET, NOTHING, "8.2.2"),
    ("connection that names the host", head(("connection", "host")), RESET, NOTHING, "8.2.2"),
    ("keep-alive", head(("keep-alive", "1")), RESET, NOTHING, "8.2.2"),
    ("proxy-connection", head(("proxy-connection", "close")), RESET, NOTHING, "8.2.2"),
    ("transfer-encoding: H2.TE", [post(("transfer-encoding", "chunked")), b"0\r\n\r\n" + INJECTED.encode(), FIN], RESET, NOTHING, "8.2.2"),
    ("transfer-encoding empty", head(("transfer-encoding", "")), RESET, NOTHING, "8.2.2"),
    ("transfer-encoding identity", head(("transfer-encoding", "identity")), RESET, NOTHING, "8.2.2"),
    ("upgrade", head(("upgrade", "websocket")), RESET, NOTHING, "8.2.2"),
    ("te gzip", head(("te", "gzip")), RESET, NOTHING, "8.2.2"),
    ("te trailers and more", head(("te", "trailers, chunked")), RESET, NOTHING, "8.2.2"),
    ("te trailers", head(("te", "trailers")), OK, EMPTY, "8.2.2"),
    ("http2-settings", head(("http2-settings", "AAMAAABkAAQAAP__")), OK, EMPTY, "3.1"),
    ("expect another thing", [post(("expect", "x")), b"abc", FIN], Says(417), NOTHING, "9110 10.1.1"),
    ("expect another thing beside", [post(("expect", "100-continue"), ("expect", "x")), b"abc", FIN], Says(417), NOTHING, "9110 10.1.1"),
    ("expect without a body", head(("expect", "100-continue")), OK, EMPTY, "9110 10.1.1"),
    ("expect and not wait", [post(("expect", "100-continue")), b"abc", FIN], OK, ABC, "9110 10.1.1"),
]

# a body and what is said of it
LENGTHS = [
    ("H2.CL: longer than said", [post(("content-length", "0")), INJECTED.encode(), FIN], RESET, AtMost(Seen()), "8.1.1"),
    ("H2.CL: a little longer", [post(("content-length", "3")), b"abcd", FIN], RESET, CUT, "8.1.1"),
    ("H2.CL: longer in a second frame", [post(("content-length", "3")), b"abc", INJECTED.encode(), FIN], RESET, AtMost(Seen(body=b"abc")), "8.1.1"),
    ("H2.CL: shorter than said", [post(("content-length", "44")), b"abc", FIN], RESET, CUT, "8.1.1"),
    ("H2.CL: shorter, ended by trailers", [post(("content-length", "44")), b"abc", Trailers((("x", "1"),))], RESET, CUT, "8.1.1"),
    ("H2.CL: said without a body", post(("content-length", "44")), RESET, NOTHING, "8.1.1"),
    ("H2.CL: said without a body by GET", head(("content-length", "44")), RESET, NOTHING, "8.1.1"),
    ("two lengths", [post(("content-length", "0"), ("content-length", "44")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("two equal lengths", [post(("content-length", "3"), ("content-length", "3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("a list of lengths", [post(("content-length", "3, 3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length +", [post(("content-length", "+3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length -", [post(("content-length", "-3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length 0x", [post(("content-length", "0x3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length with a space", [post(("content-length", "3 3")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length of letters", [post(("content-length", "x")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length empty", [post(("content-length", "")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length 2^64", [post(("content-length", "18446744073709551616")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length 2^64 + 3", [post(("content-length", "18446744073709551619")), b"abc", FIN], RESET, NOTHING, "8.1.1"),
    ("length with CRLF", [post(("content-length", "3\r\nX: y")), b"abc", FIN], RESET, NOTHING, "8.2.1"),
    ("length of 0 without a body", post(("content-length", "0")), OK, EMPTY, "8.1.1"),
    ("length", [post(("content-length", "3")), b"ab", b"c", FIN], OK, ABC, "8.1.1"),
    ("leading zeros", [post(("content-length", "003")), b"abc", FIN], OK, ABC, "8.1.1"),
    ("a body that looks like chunks", [post(), b"0\r\n\r\n" + INJECTED.encode(), FIN], OK, got(b"0\r\n\r\n" + INJECTED.encode()), "8.1"),
    ("a body with TRACE", [head(method="TRACE"), b"abc", FIN], Says(400), NOTHING, "9110 9.3.8"),
    ("a body with GET", [head(), b"abc", FIN], OK, ABC, "8.1"),
]

# trailers
TRAILERS = [
    ("CRLF in a trailer's value", [post(), b"abc", Trailers((("x", "1\r\n\r\n" + INJECTED),))], RESET, CUT, "8.2.1"),
    ("CRLF in a trailer's name", [post(), b"abc", Trailers((("x\r\ny", "1"),))], RESET, CUT, "8.2.1"),
    ("NUL in a trailer", [post(), b"abc", Trailers((("x", "\0"),))], RESET, CUT, "8.2.1"),
    ("upper case in a trailer", [post(), b"abc", Trailers((("X", "1"),))], RESET, CUT, "8.2.1"),
    ("a pseudo-field in trailers", [post(), b"abc", Trailers(((":path", "/evil"),))], RESET, CUT, "8.1"),
    (":status in trailers", [post(), b"abc", Trailers(((":status", "200"),))], RESET, CUT, "8.1"),
    ("connection in trailers", [post(), b"abc", Trailers((("connection", "close"),))], RESET, CUT, "8.2.2"),
    ("transfer-encoding in trailers", [post(), b"abc", Trailers((("transfer-encoding", "chunked"),))], RESET, CUT, "8.2.2"),
    ("content-length in trailers", [post(), b"abc", Trailers((("content-length", "44"),))], RESET, CUT, "9110 6.5.1"),
    ("host in trailers", [post(), b"abc", Trailers((("host", "api.linkup.test"),))], OK, ABC, "9110 6.5.1"),
    ("credentials in trailers", [post(), b"abc", Trailers((("authorization", "x"), ("cookie", "y")))], OK, ABC, "9110 6.5.1"),
    ("a trailer that may be one", [post(), b"abc", Trailers((("x-sum", "1"),))], OK, got(b"abc", trailers=(("x-sum", "1"),)), "8.1"),
]

TABLE = [(f"{group}: {row[0]}", *row[1:]) for group, rows in (
    ("pseudo", PSEUDO), ("line", LINE), ("authority", AUTHORITY), ("fields", FIELDS), ("hops", HOPS),
    ("length", LENGTHS), ("trailers", TRAILERS)) for row in rows]
