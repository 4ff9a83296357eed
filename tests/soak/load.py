"""The clients of the soak. Each knows what it asked, of whom, and when; what fails is excused only by a
backend that was down while it was asked."""

import collections
import hashlib
import random
import threading
import time

import h2.exceptions

from support.edge import ZONE, Edge
from support.http1 import Http1, NoAnswer
from support.http2 import Http2
from support.net import Late, connect_unix
from support.websocket import ClientH1, ClientH2, Ended

# A request may be on its way to a backend that has just come back on a connection from before.
GRACE = 0.5
# What a client sees of a backend that dies: an error page, an answer cut short, a stream reset.
CUT = (NoAnswer, OSError, Ended, Late, h2.exceptions.H2Error)


class Failed(Exception):
    """The backend was not there, or not to the end."""


class Wrong(Exception):
    """An answer that no failure explains."""


class Outages:
    """When each backend was down: told before it is killed, and when it listens again."""

    def __init__(self):
        self.lock, self.of = threading.Lock(), collections.defaultdict(list)

    def begins(self, name):
        with self.lock:
            self.of[name].append([time.monotonic(), None])

    def ends(self, name):
        with self.lock:
            self.of[name][-1][1] = time.monotonic()

    def excuse(self, name, began, ended):
        with self.lock:
            return any(start <= ended and (end is None or began <= end + GRACE)
                       for start, end in self.of[name])


class Ledger:
    """What was asked and what came of it."""

    def __init__(self):
        self.lock, self.counts, self.bad = threading.Lock(), collections.Counter(), []

    def note(self, kind, outcome, detail=None):
        with self.lock:
            self.counts[kind, outcome] += 1
            if outcome in ("lost", "wrong"):
                self.bad.append(f"{time.strftime('%H:%M:%S')} {kind} {outcome}: {detail}")

    def kinds(self):
        return sorted({k for k, _ in self.counts})


def need(good, what):
    if not good:
        raise Wrong(what)


def served(a, backend, whole=True):
    if a.status in (502, 503, 504):
        raise Failed(f"{a.status} {a.body[:300]!r}")
    need(a.status == 200, a)
    need(a.get("x-backend") == backend, f"answered by {a.get('x-backend')}, not by {backend}")
    if whole and not a.whole:
        raise Failed("cut short")


class Client(threading.Thread):
    """One after the other, until told to stop; between two acts it can be told to wait with all of its
    connections closed."""

    kind = "?"

    def __init__(self, world, number):
        super().__init__(daemon=True)
        self.world, self.rng = world, random.Random(number)
        self.contexts = {a: world.edge.tls_context((a,)) for a in ("http/1.1", "h2")}
        self.conn = self.conn_host = None
        self.idle = threading.Event()

    def run(self):
        while not self.world.over.is_set():
            if self.world.halt.is_set():
                self.drop()
                self.idle.set()
                self.world.go.wait()
                self.idle.clear()
                continue
            self.once()
        self.drop()
        self.idle.set()

    def once(self):
        backend, began = self.whom(), time.monotonic()
        note = self.world.ledger.note
        try:
            self.act(backend)
            note(self.kind, "done")
            if self.rng.random() < 0.05:
                self.drop()
        except (*CUT, Failed) as e:
            self.drop()
            excused = self.world.outages.excuse(backend, began, time.monotonic())
            note(self.kind, "excused" if excused else "lost", f"{backend}: {e!r}")
        except (Wrong, AssertionError, ValueError, KeyError) as e:
            self.drop()
            note(self.kind, "wrong", repr(e))

    def whom(self):
        return self.rng.choice(self.world.names)

    def act(self, backend):
        raise NotImplementedError

    def drop(self):
        if self.conn:
            self.conn.close()
        self.conn = None

    def h1(self, host):
        if not self.conn or self.conn_host != host:
            self.drop()
            self.conn = Http1(self.world.edge.tls(host, context=self.contexts["http/1.1"]), host)
            self.conn_host = host
        return self.conn

    def h2(self, host):
        if not self.conn or self.conn_host != host or self.conn.goaway is not None:
            self.drop()
            self.conn = Http2(self.world.edge.tls(host, context=self.contexts["h2"]), host)
            self.conn_host = host
        return self.conn


def host_of(backend):
    return f"{backend}.{ZONE}"


class Asks(Client):
    kind = "HTTP/1.1 small"

    def act(self, backend):
        c = self.h1(host_of(backend))
        path = f"/ask?{self.rng.randrange(1 << 30)}"
        a = c.request(target=path)
        served(a, backend)
        need(a.body == path.encode(), a)


class Multiplexes(Client):
    kind = "HTTP/2 small, 20 at once"

    def act(self, backend):
        c = self.h2(host_of(backend))
        streams = [(f"/ask?{self.rng.randrange(1 << 30)}", None) for _ in range(20)]
        streams = [(p, c.start(path=p)) for p, _ in streams]
        for path, s in streams:
            c.finish(s)
            if s.reset is not None:
                raise Failed(f"reset {s.reset}")
            served(s, backend)
            need(s.body == path.encode(), s)


class Transfers(Client):
    kind = "downloads and uploads"

    def act(self, backend):
        n, host = self.rng.choice((1000, 100_000, 3_000_000)), host_of(backend)
        up, new = self.rng.random() < 0.5, self.rng.random() < 0.5
        data = self.rng.randbytes(n) if up else None
        if bool(isinstance(self.conn, Http2)) != new:
            self.drop()
        if new:
            s = self.h2(host).request("POST" if up else "GET", "/up" if up else f"/down/{n}", body=data)
            if s.reset is not None:
                raise Failed(f"reset {s.reset}")
        elif up:
            s = self.h1(host).request("POST", "/up", body=data, chunked=self.rng.random() < 0.5)
        else:
            s = self.h1(host).request(target=f"/down/{n}")
        served(s, backend)
        need(s.body == hashlib.sha256(data).hexdigest().encode() if up else len(s.body) == n, "other bytes")


class Listens(Client):
    kind = "event streams"

    def act(self, backend):
        a = self.h1(host_of(backend)).request(target="/events")
        served(a, backend)
        need(a.body == b"".join(b"data: %d\n\n" % i for i in range(30)), a)


class Chats(Client):
    kind = "WebSockets"

    def act(self, backend):
        host, new = host_of(backend), self.rng.random() < 0.5
        self.drop()
        ws = ClientH2(self.h2(host)) if new else ClientH1(self.h1(host))
        if ws.answer.status in (502, 503, 504):
            raise Failed(ws.answer.status)
        if new and ws.stream.reset is not None:
            raise Failed("reset")
        need(ws.is_open, ws.answer)
        for _ in range(self.rng.randrange(1, 40)):
            data = self.rng.randbytes(self.rng.choice((10, 1000, 70000)))
            ws.ws.message(data)
            need(ws.ws.receive() == data, "another message")
        ws.ws.frame(8, b"\x03\xe8")
        need(ws.ws.read()[0] == 8, "no close")
        self.drop()


class Talks(Client):
    kind = "gRPC-like"

    def act(self, backend):
        c = self.h2(f"{backend}2.{ZONE}")
        s = c.start("POST", "/talk", {"te": "trailers", "content-type": "application/grpc"}, end=False)
        said = b""
        for _ in range(self.rng.randrange(1, 20)):
            message = self.rng.randbytes(self.rng.randrange(1, 5000))
            c.data(s, message)
            said += message
            c.until(lambda: s.over or len(s.body) >= len(said) or s.status not in (None, 200), "it said back")
            if s.over:
                break
        if not s.over:
            c.data(s, b"", end=True)
        c.finish(s)
        if s.reset is not None:
            raise Failed(f"reset {s.reset}")
        served(s, backend)
        need(s.body == said and ("grpc-status", "0") in [tuple(t) for t in s.trailers], "cut, and not said")


class Sessions(Client):
    """Makes a session, uses it at once, gives it another backend, ends it; then it is not there."""

    kind = "sessions made and ended"

    def act(self, backend):
        name, other = f"s{self.rng.randrange(1 << 40):x}", backend
        host = f"w1.{name}.{ZONE}"
        with Http1(connect_unix(self.world.edge.admin)) as api:
            def call(method, want, body=None):
                a = Edge.call(api, method, f"/v1/sessions/{name}", body)
                need(a.status == want, a)

            call("PUT", 201, {"services": {"w1": self.world.urls[backend]}})
            try:
                self.ask(host, backend)
                other = self.rng.choice([n for n in self.world.names if n != backend])
                call("PUT", 200, {"services": {"w1": self.world.urls[other]}})
                self.ask_another(host, other)
            finally:
                call("DELETE", 204)
        a = self.h1(host).request(target="/ask")
        need(a.status == 404, a)
        self.drop()

    def ask_another(self, host, backend):
        """Not the one that this act is excused by."""
        began = time.monotonic()
        try:
            self.ask(host, backend)
        except (*CUT, Failed):
            self.drop()
            if not self.world.outages.excuse(backend, began, time.monotonic()):
                raise

    def ask(self, host, backend):
        a = self.h1(host).request(target="/ask")
        served(a, backend)


MIX = [Asks, Asks, Multiplexes, Multiplexes, Transfers, Transfers, Listens, Listens, Chats, Chats, Talks, Talks,
       Sessions]
