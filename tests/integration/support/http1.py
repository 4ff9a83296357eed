"""An HTTP/1.1 client that sends bytes as they are given, and reads answers strictly."""

import json
import select
import socket
import ssl

from .net import PATIENCE, Late


class Answer:
    """One response. `framing`: length, chunked, close or none. `whole`: its framing was kept."""

    def __init__(self, status, reason, fields):
        self.status, self.reason, self.fields = status, reason, fields
        self.body, self.trailers, self.interims = b"", [], []
        self.framing, self.whole = "none", True

    def all(self, name):
        return [v for n, v in self.fields if n == name]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.fields} {self.body[:300]!r}>"


class NoAnswer(AssertionError):
    """The peer closed before it had answered."""


class Http1:
    """One connection. `send` takes any bytes; `answer` reads one response."""

    def __init__(self, sock, host="localhost"):
        self.sock, self.host, self.held = sock, host, bytearray()
        self.closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def pump(self, pieces, seconds=PATIENCE):
        """Sends while it takes what comes: for bodies both ways at once. One thread: an SSL object
        does not bear two."""
        pieces, left = iter(pieces), b""
        self.sock.setblocking(False)
        while True:
            if not left:
                left = memoryview(next(pieces, b""))
                if not left:
                    break
            moved = False
            try:
                left = left[self.sock.send(left):]
                moved = True
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            try:
                piece = self.sock.recv(262144)
                assert piece, "closed while it was sent to"
                self.held += piece
                moved = True
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            if not moved and select.select([self.sock], [self.sock], [], seconds) == ([], [], []):
                raise Late("the peer neither reads nor writes")
        self.sock.settimeout(PATIENCE)

    def _more(self):
        try:
            piece = self.sock.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError) as e:
            raise Late(f"no answer came; held: {bytes(self.held[:300])!r}") from e
        except (ssl.SSLError, OSError):
            piece = b""
            self.closed = "reset"
        if not piece:
            self.closed = self.closed or "end"
            return False
        self.held += piece
        return True

    def _until(self, mark):
        while True:
            at = self.held.find(mark)
            if at >= 0:
                out = bytes(self.held[:at])
                del self.held[:at + len(mark)]
                return out
            if not self._more():
                return None

    def take(self, n):
        """Exactly N bytes, fewer when the peer closes."""
        while len(self.held) < n and self._more():
            pass
        out = bytes(self.held[:n])
        del self.held[:n]
        return out

    def _head(self):
        head = self._until(b"\r\n\r\n")
        if head is None:
            raise NoAnswer(f"closed ({self.closed}) after {bytes(self.held[:300])!r}")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, reason = (first.split(" ", 2) + [""])[:3]
        assert version == "HTTP/1.1", first
        fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            assert colon and name and name == name.strip(), line
            assert "\n" not in line and "\r" not in line, line
            fields.append((name.lower(), value.strip(" \t")))
        return Answer(int(status), reason, fields)

    def _chunks(self, a):
        pieces = []
        a.whole = self._read_chunks(a, pieces)
        a.body = b"".join(pieces)

    def _read_chunks(self, a, pieces):
        while True:
            line = self._until(b"\r\n")
            if line is None:
                return False
            size = int(line.split(b";")[0], 16)
            if size == 0:
                break
            pieces.append(self.take(size))
            if self.take(2) != b"\r\n":
                return False
        while True:
            line = self._until(b"\r\n")
            if not line:
                return line is not None
            name, _, value = line.decode("latin-1").partition(":")
            a.trailers.append((name.lower(), value.strip()))

    def head(self, interims=True):
        """A final response's head; the ones before it are in its `interims`."""
        seen = []
        while True:
            a = self._head()
            if a.status >= 200 or a.status == 101 or not interims:
                a.interims = seen
                return a
            seen.append(a)

    def answer(self, method="GET"):
        a = self.head()
        length, coding = a.all("content-length"), a.all("transfer-encoding")
        assert len(length) <= 1 and not (length and coding), a.fields
        if a.status == 101:
            return a
        if method == "HEAD" or a.status in (204, 304):
            assert not coding, a.fields
            return a
        if coding:
            assert coding == ["chunked"], a.fields
            a.framing = "chunked"
            self._chunks(a)
        elif length:
            a.framing = "length"
            a.body = self.take(int(length[0]))
            a.whole = len(a.body) == int(length[0])
        else:
            a.framing = "close"
            while self._more():
                pass
            a.body = bytes(self.held)
            self.held.clear()
            a.whole = self.closed == "end"
        return a

    def request(self, method="GET", target="/", fields=(), body=None, host=None, chunked=False):
        """FIELDS: pairs, or a dict. The body's framing is added, host too."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        lines = [f"{method} {target} HTTP/1.1", f"host: {host or self.host}"]
        lines += [f"{n}: {v}" for n, v in pairs]
        if chunked:
            lines.append("transfer-encoding: chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        elif body is not None:
            lines.append(f"content-length: {len(body)}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b""))
        return self.answer(method)

    def ends(self, seconds=PATIENCE):
        """Waits until the peer closes; what it still sent."""
        self.sock.settimeout(seconds)
        while self._more():
            pass
        out = bytes(self.held)
        self.held.clear()
        return out
