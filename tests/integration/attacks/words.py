"""The words in which the tables are written."""

from dataclasses import dataclass

from support.edge import ZONE

HOST = "web." + ZONE
H = f"Host: {HOST}\r\n".encode()
GET = b"GET /a HTTP/1.1\r\n"
POST = b"POST /a HTTP/1.1\r\n" + H
TE = b"Transfer-Encoding: chunked\r\n"
CHUNKED = POST + TE + b"\r\n"
EVIL = b"GET /evil HTTP/1.1\r\n" + H + b"\r\n"
END = b"\r\n"
LAST = b"0\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """A request as the backend must have read it."""
    target: str = "/a"
    body: bytes = b""
    method: str | None = None
    trailers: tuple = ()


@dataclass(frozen=True)
class Says:
    """The client gets this status, and its connection goes on."""
    status: int


# What the client sees. A bare status: that answer with `connection: close`, then the end, nothing behind.
OK = "as many answers 200 as the backend saw requests, and the connection goes on"
CLOSES = "as many answers 200 as the backend saw requests, then the connection closes"
WAITS = "no answer as long as the rest has not come"
RESET = "RST_STREAM, PROTOCOL_ERROR"

# What the backend sees, or a list of `Seen`: exactly these.
NOTHING = []
CUT = "perhaps a head and the beginning of a body, never the end of it, nor anything behind"


@dataclass(frozen=True)
class Then:
    """The requests that the backend sees are answered; what follows them is refused with this status."""
    status: int


@dataclass(frozen=True)
class AtMost:
    """This request, whole and clean; or only its beginning, or nothing: it was whole by what it said of itself
    before the lie could be seen."""
    request: Seen


def got(body=b"", target="/a", method=None, trailers=()):
    return [Seen(target, body, method, trailers)]


ABC = got(b"abc")
EMPTY = got()
