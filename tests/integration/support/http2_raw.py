"""HTTP/2 frame by frame, without a library that would keep the rules: for attacks and for clauses of
RFC 9113 and 7541. Writing and reading go on together, so that who is told to stop hears it."""

import collections
import select
import ssl
import time

import hpack

from .http2 import FRAME, frame
from .net import PATIENCE, Late

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
KIND = {number: name for name, number in FRAME.items()}
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
PRIORITY_FLAG = 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, \
    FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, CALM = range(12)

Frame = collections.namedtuple("Frame", "kind flags stream payload")


def u32(n):
    return n.to_bytes(4, "big")


def integer(n, bits, first=0):
    """RFC 7541 5.1."""
    most = (1 << bits) - 1
    if n < most:
        return bytes([first | n])
    out, n = bytearray([first | most]), n - most
    while n >= 128:
        out.append(n % 128 | 128)
        n //= 128
    return bytes(out) + bytes([n])


def text(value):
    value = value if isinstance(value, bytes) else value.encode("latin-1")
    return integer(len(value), 7) + value


def literal(name, value, index=False):
    """A field in full, RFC 7541 6.2.1 (entered into the table) or 6.2.2."""
    return (b"\x40" if index else b"\0") + text(name) + text(value)


def block(fields):
    return b"".join(literal(n, v) for n, v in fields)


def pseudo(host, method="GET", path="/", scheme="https"):
    return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path)]


def headers(stream, fields, end=True, more=False, flags=0):
    payload = fields if isinstance(fields, bytes) else block(fields)
    flags |= (END_STREAM if end else 0) | (0 if more else END_HEADERS)
    return frame("HEADERS", flags, stream, payload)


def continuation(stream, payload=b"", end=False):
    return frame("CONTINUATION", END_HEADERS if end else 0, stream, payload)


def data(stream, payload=b"", end=False):
    return frame("DATA", END_STREAM if end else 0, stream, payload)


def reset(stream, code=CANCEL):
    return frame("RST_STREAM", 0, stream, u32(code))


def settings(*pairs):
    return frame("SETTINGS", 0, 0, b"".join(i.to_bytes(2, "big") + u32(v) for i, v in pairs))


def window(stream, increment):
    return frame("WINDOW_UPDATE", 0, stream, u32(increment))


class Raw:
    """One connection. What comes is kept in `frames`; SETTINGS and PING are acknowledged."""

    def __init__(self, sock, first=settings(), preface=PREFACE, acknowledge=True):
        self.sock, self.acknowledge = sock, acknowledge
        self.frames, self.closed, self.sent = [], None, 0
        self.held, self.decoder = bytearray(), hpack.Decoder()
        self.owed = bytearray()  # acknowledgements, between frames of ours
        self.heads = {}  # stream -> list of field lists
        self.deaf = False  # does not read
        sock.setblocking(False)
        self.write(preface + first)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    # --- moving bytes

    def wait(self, writing, seconds):
        read = [] if self.deaf else [self.sock]
        return select.select(read, [self.sock] if writing else [], [], seconds)

    def pump(self, out=b"", seconds=PATIENCE):
        """Writes OUT, reading meanwhile; False when the other side has closed, or (deaf) takes no more
        for SECONDS. Without OUT: reads once."""
        view = memoryview(bytes(out))
        while not self.closed:
            if not self.deaf:
                self.read()
            if not view and self.owed:
                view, self.owed = memoryview(bytes(self.owed)), bytearray()
            if not view:
                return not self.closed
            try:
                n = self.sock.send(view[:16384])
                self.sent += n
                view = view[n:]
                continue
            except (ssl.SSLWantWriteError, BlockingIOError):
                pass
            except ssl.SSLWantReadError:
                pass
            except OSError:
                self.drain()
                self.closed = self.closed or "reset"
                return False
            if not any(self.wait(True, seconds)):
                if self.deaf:
                    return False
                raise Late(f"nothing moved in {seconds} s; {self.frames[-3:]}")
        return False

    def write(self, out):
        return self.pump(out)

    def drain(self):
        """What had come before the connection broke."""
        try:
            while not self.closed:
                got = self.sock.recv(262144)
                if not got:
                    return
                self.held += got
                self.parse()
        except OSError:
            pass

    def read(self):
        while True:
            try:
                got = self.sock.recv(262144)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                return
            except OSError:
                self.closed = "reset"
                return
            if not got:
                self.closed = "end"
                return
            self.held += got
            self.parse()

    def parse(self):
        while len(self.held) >= 9:
            size = 9 + int.from_bytes(self.held[:3], "big")
            if len(self.held) < size:
                return
            f = Frame(KIND.get(self.held[3], self.held[3]), self.held[4],
                      int.from_bytes(self.held[5:9], "big") & 0x7fffffff, bytes(self.held[9:size]))
            del self.held[:size]
            self.frames.append(f)
            self.take(f)

    def take(self, f):
        if f.kind == "HEADERS":
            fields = self.decoder.decode(f.payload)  # the edge's heads in tests fit one frame
            self.heads.setdefault(f.stream, []).append([(str(n), str(v)) for n, v in fields])
        if not self.acknowledge or f.flags & ACK:
            return
        answer = {"SETTINGS": frame("SETTINGS", ACK), "PING": frame("PING", ACK, 0, f.payload)}
        self.owed += answer.get(f.kind, b"")

    # --- what came

    def of(self, kind, stream=None):
        return [f for f in self.frames if f.kind == kind and stream in (None, f.stream)]

    @property
    def goaway(self):
        """The code of the last GOAWAY, None without one."""
        last = self.of("GOAWAY")
        return int.from_bytes(last[-1].payload[4:8], "big") if last else None

    def reset_of(self, stream):
        got = self.of("RST_STREAM", stream)
        return int.from_bytes(got[0].payload, "big") if got else None

    def status(self, stream):
        heads = [dict(h)[":status"] for h in self.heads.get(stream, []) if h[0][0] == ":status"]
        return int(heads[-1]) if heads else None

    def ended(self, stream):
        return any(f.flags & END_STREAM for f in self.of("HEADERS", stream) + self.of("DATA", stream))

    def until(self, condition, what="an event"):
        end = time.monotonic() + PATIENCE
        while not condition():
            if not self.pump() and not condition():
                raise AssertionError(f"closed ({self.closed}) before {what}: {self.frames[-5:]}")
            if condition():
                return
            if time.monotonic() > end:
                raise Late(f"waited for {what}: {self.frames[-5:]}")
            self.wait(False, 1)

    def ping(self, mark=b"are you?"):
        """All that was sent before has been handled, and what it led to at once is here."""
        n = len(self.of("PING"))
        self.write(frame("PING", 0, 0, mark))
        self.until(lambda: len(self.of("PING")) > n, "the ping's answer")

    def ends(self):
        """Reads until the other side closes; the code of its GOAWAY."""
        end = time.monotonic() + PATIENCE
        while self.pump():
            if time.monotonic() > end:
                raise Late(f"was not closed: {self.frames[-5:]}")
            self.wait(False, 1)
        return self.goaway
