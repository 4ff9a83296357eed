"""HTTP/1.1 answers of backends that are broken, hostile, or of two minds.

One row: name; what the backend sends; what the client sees; what becomes of the back connection; clause (RFC
9112 where no other is named). What is sent: bytes, after which the connection stays open, or `Ends(bytes)`.
In every row the request is GET /a unless the name begins with another method.
"""

# pylint: disable=line-too-long
from dataclasses import dataclass


@dataclass(frozen=True)
class Ends:
    """The backend closes behind these bytes."""
    data: bytes


@dataclass(frozen=True)
class Gets:
    """The client gets a whole, clean answer: this status, this body; these interim answers before it."""
    status: int = 200
    body: bytes = b""
    interims: tuple = ()
    length: str | None = None  # content-length where there is no body
    trailers: tuple = ()


# The client gets the edge's own page: nothing of the answer.
BAD = Gets(502)
# The client gets the head, and sees that the body is not whole.
BROKEN = "broken off"
# The back connection: kept for the next request, or not used again.
KEPT, GONE = "kept", "gone"

OK = b"HTTP/1.1 200 OK\r\n"
CL3 = b"Content-Length: 3\r\n"
TE = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
ABC = Gets(body=b"abc")
LAST = b"0\r\n\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Poison: 1\r\n\r\npoison"

# how long the body is
FRAMING = [
    ("a length", OK + CL3 + END + b"abc", ABC, KEPT, "6.3 6"),
    ("chunked", OK + TE + END + b"3\r\nabc\r\n" + LAST, ABC, KEPT, "6.3 4"),
    ("until the end", Ends(OK + END + b"abc"), ABC, GONE, "6.3 8"),
    ("CL.TE", OK + CL3 + TE + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "6.3 3"),
    ("TE.CL", OK + TE + CL3 + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "6.3 3"),
    ("CL.TE, length 0", OK + b"Content-Length: 0\r\n" + TE + END + LAST + POISON, BAD, GONE, "6.3 3"),
    ("CL.TE, an unknown coding", OK + CL3 + b"Transfer-Encoding: x\r\n" + END + b"abc", BAD, GONE, "6.3 3"),
    ("two lengths", OK + CL3 + b"Content-Length: 60\r\n" + END + b"abc" + POISON, BAD, GONE, "6.3 5"),
    ("two equal lengths", OK + CL3 + CL3 + END + b"abc", BAD, GONE, "6.3 5"),
    ("a list of lengths", OK + b"Content-Length: 3, 60\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a list of equal lengths", OK + b"Content-Length: 3, 3\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length +", OK + b"Content-Length: +3\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length -", OK + b"Content-Length: -3\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length in hexadecimal", OK + b"Content-Length: 0x3\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length of letters", OK + b"Content-Length: abc\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length empty", OK + b"Content-Length:\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a length 2^64 + 3", OK + b"Content-Length: 18446744073709551619\r\n" + END + b"abc", BAD, GONE, "6.3 5"),
    ("a coding gzip", Ends(OK + b"Transfer-Encoding: gzip\r\n" + END + b"abc"), BAD, GONE, "6.1"),
    ("a coding gzip, chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n" + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "6.1"),
    ("a coding chunked, gzip", Ends(OK + b"Transfer-Encoding: chunked, gzip\r\n" + END + b"3\r\nabc\r\n" + LAST), BAD, GONE, "6.3 4"),
    ("a coding identity", Ends(OK + b"Transfer-Encoding: identity\r\n" + END + b"abc"), BAD, GONE, "6.1"),
    ("a coding twice", OK + TE + TE + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "6.1"),
    ("a coding empty", Ends(OK + b"Transfer-Encoding:\r\n" + END + b"abc"), BAD, GONE, "6.1"),
    ("a coding behind a vertical tab", OK + b"Transfer-Encoding: \x0bchunked\r\n" + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "9110 5.5"),
    ("a coding with a space before its colon", OK + b"Transfer-Encoding : chunked\r\n" + END + b"3\r\nabc\r\n" + LAST, BAD, GONE, "5.1"),
    ("chunked in HTTP/1.0", Ends(b"HTTP/1.0 200 OK\r\n" + TE + END + b"3\r\nabc\r\n" + LAST), BAD, GONE, "6.1"),
    ("HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\n" + CL3 + END + b"abc", ABC, GONE, "9.3"),
    ("HTTP/1.0 that keeps alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + CL3 + END + b"abc", ABC, KEPT, "9.3"),
    ("connection: close", OK + CL3 + b"Connection: close\r\n" + END + b"abc", ABC, GONE, "9.6"),
    ("connection: close, and then another answer", OK + CL3 + b"Connection: close\r\n" + END + b"abc" + POISON, ABC, GONE, "9.6"),
]

# chunks
CHUNKS = [
    ("chunk size 0x", OK + TE + END + b"3\r\nabc\r\n0x3\r\nabc\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("chunk size -", OK + TE + END + b"3\r\nabc\r\n-3\r\nabc\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("chunk size of letters", OK + TE + END + b"3\r\nabc\r\nzz\r\nabc\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("chunk size empty", OK + TE + END + b"3\r\nabc\r\n\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("chunk size with a space", OK + TE + END + b"3\r\nabc\r\n3 \r\nabc\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("chunk size 2^64 + 3", OK + TE + END + b"3\r\nabc\r\n10000000000000003\r\nabc\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("a chunk that is longer", OK + TE + END + b"3\r\nabcd\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("a chunk that is shorter", OK + TE + END + b"3\r\nab\r\n" + LAST, BROKEN, GONE, "7.1"),
    ("bare LF in chunks", OK + TE + END + b"3\r\nabc\r\n3\nabc\n0\n\n", BROKEN, GONE, "2.2"),
    ("LF in a chunk extension", OK + TE + END + b"3\r\nabc\r\n3;a\nb\r\nabc\r\n" + LAST, BROKEN, GONE, "7.1.1"),
    ("an answer in the place of a chunk", OK + TE + END + b"3\r\nabc\r\n" + POISON, BROKEN, GONE, "7.1"),
    ("an answer in the place of trailers", OK + TE + END + b"3\r\nabc\r\n0\r\n" + POISON, BROKEN, GONE, "7.1.2"),
    ("a trailer without a colon", OK + TE + END + b"3\r\nabc\r\n0\r\nX\r\n\r\n", BROKEN, GONE, "7.1.2"),
    ("a folded trailer", OK + TE + END + b"3\r\nabc\r\n0\r\nX: 1\r\n 2\r\n\r\n", BROKEN, GONE, "5.2"),
    ("a trailer with a NUL", OK + TE + END + b"3\r\nabc\r\n0\r\nX: \0\r\n\r\n", BROKEN, GONE, "9110 5.5"),
    ("framing in trailers", OK + TE + END + b"3\r\nabc\r\n0\r\nContent-Length: 60\r\nTransfer-Encoding: x\r\n\r\n", ABC, KEPT, "9110 6.5.1"),
    ("a cookie in trailers", OK + TE + END + b"3\r\nabc\r\n0\r\nSet-Cookie: a=b\r\n\r\n", ABC, KEPT, "9110 6.5.1"),
    ("a trailer that may be one", OK + TE + END + b"3\r\nabc\r\n0\r\ngrpc-status: 0\r\n\r\n", Gets(body=b"abc", trailers=(("grpc-status", "0"),)), KEPT, "7.1.2"),
    ("extensions", OK + TE + END + b"3;a=b\r\nabc\r\n0;c\r\n\r\n", ABC, KEPT, "7.1.1"),
]

# it ends too early, or not there
ENDS = [
    ("nothing", Ends(b""), BAD, GONE, "9110 15.6.3"),
    ("half a status line", Ends(b"HTTP/1.1 20"), BAD, GONE, "8"),
    ("half a head", Ends(OK + b"X: "), BAD, GONE, "8"),
    ("half a length", Ends(OK + b"Content-Length: 6\r\n" + END + b"abc"), BROKEN, GONE, "8"),
    ("half a chunk", Ends(OK + TE + END + b"3\r\nabc\r\n6\r\nabc"), BROKEN, GONE, "8"),
    ("no last chunk", Ends(OK + TE + END + b"3\r\nabc\r\n"), BROKEN, GONE, "8"),
    ("no line behind the last chunk", Ends(OK + TE + END + b"3\r\nabc\r\n0\r\n"), BROKEN, GONE, "8"),
    ("an answer behind a length", OK + CL3 + END + b"abc" + POISON, ABC, GONE, "9.2"),
    ("bytes behind a length", OK + CL3 + END + b"abcdef", ABC, GONE, "9.2"),
    ("line ends behind a length", OK + CL3 + END + b"abc\r\n\r\n", ABC, GONE, "9.2"),
    ("an answer behind the last chunk", OK + TE + END + b"3\r\nabc\r\n" + LAST + POISON, ABC, GONE, "9.2"),
    ("bytes behind the last chunk", OK + TE + END + b"3\r\nabc\r\n" + LAST + b"x", ABC, GONE, "9.2"),
    ("an answer behind length 0", OK + b"Content-Length: 0\r\n" + END + POISON, Gets(), GONE, "9.2"),
    ("an answer whose head ends in another's", Ends(OK + CL3 + POISON), BAD, GONE, "6.3 5"),
]

# what has no body, with one
BODYLESS = [
    ("204", b"HTTP/1.1 204 No Content\r\n" + END, Gets(204), KEPT, "6.3 1"),
    ("204 with a length", b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n" + END, Gets(204), GONE, "9110 8.6"),
    ("204 with a length of 0", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n" + END, Gets(204), KEPT, "9110 8.6"),
    ("204 with a body", b"HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n" + END + b"poison", Gets(204), GONE, "6.3 1"),
    ("204 with a body and no length", b"HTTP/1.1 204 No Content\r\n" + END + b"poison", Gets(204), GONE, "6.3 1"),
    ("204 with an answer behind", b"HTTP/1.1 204 No Content\r\n" + END + POISON, Gets(204), GONE, "9.2"),
    ("204 in chunks", b"HTTP/1.1 204 No Content\r\n" + TE + END + b"3\r\nabc\r\n" + LAST, Gets(204), GONE, "6.1"),
    ("204 that says it is in chunks", b"HTTP/1.1 204 No Content\r\n" + TE + END, Gets(204), GONE, "6.1"),
    ("204 CL.TE", b"HTTP/1.1 204 No Content\r\n" + CL3 + TE + END, BAD, GONE, "6.3 3"),
    ("205 with a length", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n" + END, Gets(205), KEPT, "9110 15.3.6"),
    ("304 with a length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n" + END, Gets(304, length="6"), KEPT, "9110 8.6"),
    ("304 with a body", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n" + END + b"poison", Gets(304, length="6"), GONE, "6.3 1"),
    ("304 with an answer behind", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 62\r\n" + END + POISON, Gets(304, length="62"), GONE, "9.2"),
    ("304 in chunks", b"HTTP/1.1 304 Not Modified\r\n" + TE + END + b"3\r\nabc\r\n" + LAST, Gets(304), GONE, "6.3 1"),
    ("HEAD with a length", OK + b"Content-Length: 6\r\n" + END, Gets(length="6"), KEPT, "9110 9.3.2"),
    ("HEAD with a body", OK + b"Content-Length: 6\r\n" + END + b"poison", Gets(length="6"), GONE, "6.3 1"),
    ("HEAD with an answer for its body", OK + b"Content-Length: %d\r\n" % len(POISON) + END + POISON, Gets(length=str(len(POISON))), GONE, "6.3 1"),
    ("HEAD in chunks", OK + TE + END + b"3\r\nabc\r\n" + LAST, Gets(), GONE, "6.3 1"),
    ("HEAD that would be in chunks", OK + TE + END, Gets(), KEPT, "6.3 1"),
    ("HEAD CL.TE", OK + CL3 + TE + END, BAD, GONE, "6.3 3"),
]

# interim answers
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
INTERIMS = [
    ("103", HINT + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(103,)), KEPT, "9110 15.2"),
    ("100 unasked", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(100,)), KEPT, "9110 15.2"),
    ("102 and 103", b"HTTP/1.1 102 Processing\r\n\r\n" + HINT + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(102, 103)), KEPT, "9110 15.2"),
    ("199", b"HTTP/1.1 199 X\r\n\r\n" + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(199,)), KEPT, "9110 15.2"),
    ("103 with a length", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 61\r\n\r\n" + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(103,)), GONE, "9110 8.6"),
    ("103 in chunks", b"HTTP/1.1 103 Early Hints\r\n" + TE + b"\r\n" + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(103,)), GONE, "6.1"),
    ("103 with a body", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nabc" + OK + CL3 + END + b"abc", BAD, GONE, "6.3 1"),
    ("103 without end", HINT * 100 + OK + CL3 + END + b"abc", BAD, GONE, "9110 15.2"),
    ("103 and no answer", Ends(HINT), BAD, GONE, "9110 15.2"),
    ("103 that is broken", b"HTTP/1.1 103 Early Hints\r\nX : y\r\n\r\n" + OK + CL3 + END + b"abc", BAD, GONE, "5.1"),
    ("103 in HTTP/1.0", b"HTTP/1.0 103 Early Hints\r\n\r\n" + OK + CL3 + END + b"abc", Gets(body=b"abc", interims=(103,)), GONE, "9110 15.2"),
    ("103 behind the answer", OK + CL3 + END + b"abc" + HINT, ABC, GONE, "9.2"),
    ("101 unasked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON, BAD, GONE, "9110 15.2.2"),
    ("101 to h2c unasked", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + POISON, BAD, GONE, "9110 15.2.2"),
    ("101 without an upgrade", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + POISON, BAD, GONE, "9110 15.2.2"),
    ("101 with a body", b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 3\r\n\r\nabc", BAD, GONE, "9110 15.2.2"),
]

# lines
LINES = [
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", BAD, GONE, "2.2"),
    ("bare LF in one line", OK + b"X: 1\n" + CL3 + END + b"abc", BAD, GONE, "2.2"),
    ("bare CR", OK + b"X: 1\rY: 2\r\n" + CL3 + END + b"abc", BAD, GONE, "2.2"),
    ("response splitting by CR", OK + b"X: 1\r\rHTTP/1.1 200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.2"),
    ("response splitting by LF", OK + b"X: 1\n\nHTTP/1.1 200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.2"),
    ("obs-fold", OK + b"X: 1\r\n 2\r\n" + CL3 + END + b"abc", BAD, GONE, "5.2"),
    ("obs-fold of the length", OK + b"Content-Length:\r\n 3\r\n" + END + b"abc", BAD, GONE, "5.2"),
    ("NUL", OK + b"X: \0\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 5.5"),
    ("a space before a colon", OK + b"X : 1\r\n" + CL3 + END + b"abc", BAD, GONE, "5.1"),
    ("a space before the length's colon", OK + b"Content-Length : 3\r\n" + END + b"abc", BAD, GONE, "5.1"),
    ("a line without a colon", OK + b"X\r\n" + CL3 + END + b"abc", BAD, GONE, "5"),
    ("a line without a name", OK + b": 1\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 5.1"),
    ("a name with a space", OK + b"X Y: 1\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 5.1"),
    ("a name above ASCII", OK + b"X\xe4: 1\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 5.1"),
    ("a value above ASCII", OK + b"X: \xe4\r\n" + CL3 + END + b"abc", ABC, KEPT, "9110 5.5"),
    ("an empty line first", b"\r\n" + OK + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a status of four digits", b"HTTP/1.1 2000 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a status of letters", b"HTTP/1.1 abc OK\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a status below 100", b"HTTP/1.1 099 X\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 15"),
    ("a status above 599", b"HTTP/1.1 600 X\r\n" + CL3 + END + b"abc", BAD, GONE, "9110 15"),
    ("a status with a sign", b"HTTP/1.1 +20 X\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a reason with a CR", b"HTTP/1.1 200 O\rK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.2"),
    ("a reason with a NUL", b"HTTP/1.1 200 O\0K\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("no reason and no space", b"HTTP/1.1 200\r\n" + CL3 + END + b"abc", ABC, KEPT, "4"),
    ("HTTP/2.0", b"HTTP/2.0 200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.3"),
    ("HTTP/1.2", b"HTTP/1.2 200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.3"),
    ("HTTP/0.9", Ends(b"<html>abc</html>"), BAD, GONE, "2.3"),
    ("http/1.1", b"http/1.1 200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "2.3"),
    ("two spaces before the status", b"HTTP/1.1  200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("a tab before the status", b"HTTP/1.1\t200 OK\r\n" + CL3 + END + b"abc", BAD, GONE, "4"),
    ("another protocol", Ends(b"220 mail.example.net ESMTP\r\n\r\n"), BAD, GONE, "4"),
    ("TLS", Ends(b"\x15\x03\x01\0\2\2\x16\r\n\r\n"), BAD, GONE, "4"),
    ("a frame of HTTP/2", Ends(b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\x64"), BAD, GONE, "4"),
    ("a head without end", OK + b"X: " + b"y" * 200000 + END + CL3 + END + b"abc", BAD, GONE, "9110 5.4"),
    ("fields without number", OK + b"X: 1\r\n" * 3000 + CL3 + END + b"abc", BAD, GONE, "9110 5.4"),
    ("hop-by-hop fields", OK + b"Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n" + CL3 + END + b"abc", ABC, KEPT, "9110 7.6.1"),
]

TABLE = [(f"{group}: {row[0]}", *row[1:]) for group, rows in (
    ("framing", FRAMING), ("chunks", CHUNKS), ("end", ENDS), ("bodyless", BODYLESS), ("interim", INTERIMS),
    ("lines", LINES)) for row in rows]
