"""WebSockets, frame by frame (RFC 6455 5), over whatever carries bytes: a backend's connection, an
HTTP/1.1 client's, a stream of HTTP/2 (RFC 8441)."""

import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading

from .backend import Gone
from .backend_h2 import Gone as GoneH2
from .http2 import Http2
from .net import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
VERSION = ("sec-websocket-version", "13")


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept_of(key):
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()


class Ended(Exception):
    """The other side has ended."""


class WebSocket:
    """TAKE gives exactly so many bytes, fewer at the end; SEND sends all. `masked`: the client's side. The
    mask is 0, which leaves the data as it is."""

    def __init__(self, take, send, masked):
        self.take, self.send, self.masked = take, send, masked

    def frame(self, opcode, data=b"", fin=True):
        first, mask = opcode | (0x80 if fin else 0), 0x80 if self.masked else 0
        if len(data) < 126:
            head = struct.pack(">BB", first, mask | len(data))
        elif len(data) < 65536:
            head = struct.pack(">BBH", first, mask | 126, len(data))
        else:
            head = struct.pack(">BBQ", first, mask | 127, len(data))
        self.send(head + (bytes(4) if self.masked else b"") + data)

    def message(self, data):
        self.frame(BINARY, data)

    def _exactly(self, n):
        data = self.take(n)
        if len(data) < n:
            raise Ended(f"after {data!r}")
        return data

    def read(self):
        """One frame: opcode, whether it is the last of its message, data."""
        first, second = self._exactly(2)
        assert bool(second & 0x80) != self.masked, "clients mask, servers do not"
        n = second & 0x7f
        if n == 126:
            n = struct.unpack(">H", self._exactly(2))[0]
        elif n == 127:
            n = struct.unpack(">Q", self._exactly(8))[0]
        mask = self._exactly(4) if second & 0x80 else b"\0\0\0\0"
        data = self._exactly(n)
        if any(mask):
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
        return first & 0xf, bool(first & 0x80), data

    def receive(self):
        opcode, fin, data = self.read()
        assert opcode in (TEXT, BINARY) and fin, (opcode, fin, data[:100])
        return data


# --- a backend's side

def take_up(c, r, fields=(), more=b""):
    """Answers the backend's request R with 101; the WebSocket."""
    pairs = [("upgrade", "websocket"), ("connection", "Upgrade"),
             ("sec-websocket-accept", accept_of(r.get("sec-websocket-key"))), *fields]
    head = "HTTP/1.1 101 Switching Protocols\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs)
    c.send(head.encode() + b"\r\n" + more)
    return WebSocket(c.take, c.send, masked=False)


def echo(c, r):
    """For Backend.on: sends every frame back, and closes as it is asked to."""
    ws = take_up(c, r)
    while True:
        opcode, fin, data = ws.read()
        ws.frame(PONG if opcode == PING else opcode, data, fin)
        if opcode == CLOSE:
            c.close()


# --- a client's side

class ClientH1:
    """Over an HTTP/1.1 connection. `answer` is the 101."""

    def __init__(self, http1, path="/ws", fields=(), key=None):
        self.http, self.key = http1, key or new_key()
        pairs = [("connection", "Upgrade"), ("upgrade", "websocket"), VERSION,
                 ("sec-websocket-key", self.key), *fields]
        lines = [f"GET {path} HTTP/1.1", f"host: {http1.host}"] + [f"{n}: {v}" for n, v in pairs]
        http1.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        self.answer = http1.head()
        self.ws = WebSocket(http1.take, http1.send, masked=True)

    @property
    def is_open(self):
        return self.answer.status == 101 and \
            self.answer.get("sec-websocket-accept") == accept_of(self.key)

    def ends(self):
        """Waits for the other side's end; what it still said."""
        return self.http.ends()

    def vanish(self):
        """Without TLS's good-bye, as a process that was killed."""
        self.http.close()

    close = vanish


class ClientH2:
    """A stream of an HTTP/2 connection."""

    def __init__(self, http2, path="/ws", fields=(), host=None, protocol="websocket"):
        assert isinstance(http2, Http2)
        self.http = http2
        self.stream = http2.start(headers=[
            (":method", "CONNECT"), (":protocol", protocol), (":scheme", "https"),
            (":authority", host or http2.host), (":path", path), VERSION, *fields], end=False)
        http2.until(lambda: self.stream.over or self.stream.status, "an answer")
        self.answer = self.stream
        self.ws = WebSocket(self.take, self.send, masked=True)
        self.taken = 0

    @property
    def is_open(self):
        return self.stream.status == 200 and not self.stream.over

    def take(self, n):
        s = self.stream
        self.http.until(lambda: s.over or len(s.body) >= n, f"{n} bytes")
        out = bytes(s.body[:n])
        del s.body[:n]
        return out

    def send(self, data):
        self.http.data(self.stream, data)

    def end(self):
        """Ends its side, whether or not the other has ended."""
        self.http.h2.end_stream(self.stream.number)
        self.http.flush()

    def ends(self):
        self.http.until(lambda: self.stream.over, "the end")
        return bytes(self.stream.body)

    def vanish(self):
        self.http.close()

    close = vanish


# --- a backend's side, whatever it speaks

class PeerH1:
    """For Backend.on(..., streaming=True): takes the WebSocket up and leaves it to the test."""

    def __init__(self):
        self.there, self.over = threading.Event(), threading.Event()
        self.conn = self.ws = self.request = None

    def __call__(self, c, r):
        self.conn, self.request, self.ws = c, r, take_up(c, r)
        self.take, self.send, self.wait_end = c.take, c.send, c.wait_end
        self.there.set()
        self.over.wait(PATIENCE * 4)
        raise Gone()

    def wait(self):
        assert self.there.wait(PATIENCE), "no WebSocket was asked for"
        return self

    def end(self):
        """Ends its side."""
        self.conn.sock.shutdown(socket.SHUT_WR)

    def vanish(self):
        with contextlib.suppress(Gone):
            self.conn.close(reset=True)


class PeerH2:
    """The same for BackendH2.on."""

    def __init__(self):
        self.there, self.over = threading.Event(), threading.Event()
        self.stream = self.ws = self.request = None
        self.held = bytearray()

    def __call__(self, s):
        assert (s.method, s.protocol) == ("CONNECT", "websocket"), s.pseudo
        self.stream = self.request = s
        s.head(200)
        self.ws = WebSocket(self.take, self.send, masked=False)
        self.there.set()
        self.over.wait(PATIENCE * 4)

    wait = PeerH1.wait

    def take(self, n):
        while len(self.held) < n:
            piece = self.stream.some()
            if not piece:
                break
            self.held += piece
        out = bytes(self.held[:n])
        del self.held[:n]
        return out

    def send(self, data):
        self.stream.data(data)

    def wait_end(self):
        try:
            self.stream.read()
            return "end"
        except GoneH2:
            return "reset"

    def end(self):
        self.stream.end()

    def vanish(self):
        self.stream.cancel()
