"""Everything at once: clients that break off anywhere, backends that misbehave, sessions that come and
go, reloads. Seeded, counted, not timed. What counts is what is left: answers of the right session, no
exchange, no descriptor, no memory; and under the sanitizers not a word from them."""

import os
import random
import signal
import socket
import threading

import h2.exceptions
import pytest

from support.backend import Backend, Gone, reply
from support.edge import ZONE, Edge
from support.http1 import Http1, NoAnswer
from support.http2 import Http2
from support.net import Late, connect_unix, wait_until

THREADS, ROUNDS = 6, int(os.environ.get("LINKUP_TEST_ROUNDS", "60"))


class Wild:
    """A backend's answers, chosen by the request's path: /<what>."""

    def __init__(self, name, seed):
        self.back = Backend(name, keep_raw=False)
        self.rng = random.Random(seed)
        for what in ("echo", "big", "chunks", "until-close", "cut", "reset", "garbage", "close",
                     "slow", "early", "hints", "none"):
            self.back.on("/" + what, getattr(self, what.replace("-", "_")), streaming=True)

    def echo(self, c, r):
        c.read_body(r)
        return self.back.echo(c, r)

    def big(self, c, r):
        c.read_body(r)
        return reply(200, {"x-backend": self.back.name}, b"x" * 700000)

    def chunks(self, c, r):
        c.read_body(r)
        c.send(b"HTTP/1.1 200 OK\r\nX-Backend: %s\r\nTransfer-Encoding: chunked\r\n\r\n" %
               self.back.name.encode())
        for _ in range(20):
            c.send(b"1000\r\n" + b"y" * 4096 + b"\r\n")
        return b"0\r\nx-trailer: 1\r\n\r\n"

    def until_close(self, c, r):
        c.read_body(r)
        c.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * 100000)
        c.close()

    def cut(self, c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
        c.close()

    def reset(self, c, _):
        c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
        c.close(reset=True)

    def garbage(self, c, _):
        c.send(b"\x16\x03\x01 what is this\r\n\r\n\r\n")
        c.close()

    def close(self, c, _):
        c.close(reset=True)

    def slow(self, c, r):
        """Until the edge gives up, or the client does."""
        c.wait_end()
        c.close()

    def early(self, c, _):
        c.send(reply(413, {"connection": "close"}, b"no"))
        c.close()

    def hints(self, c, r):
        c.read_body(r)
        return b"HTTP/1.1 103 X\r\nlink: </a>\r\n\r\n" * 3 + reply(
            200, {"x-backend": self.back.name})

    def none(self, c, r):
        c.read_body(r)
        return b"HTTP/1.1 204 No\r\n\r\n"


PATHS = ["/echo"] * 12 + ["/big", "/chunks", "/until-close", "/cut", "/reset", "/garbage", "/close",
                         "/slow", "/early", "/hints", "/none"]
ERRORS = (OSError, NoAnswer, Late, Gone, AssertionError, h2.exceptions.H2Error, ValueError)


class Client(threading.Thread):
    def __init__(self, edge, number, wrong):
        super().__init__(daemon=True)
        self.edge, self.rng, self.wrong = edge, random.Random(number), wrong
        self.contexts = {a: edge.tls_context((a,)) for a in ("http/1.1", "h2")}
        self.done = 0

    def run(self):
        for _ in range(ROUNDS):
            act = self.rng.choice([self.h1, self.h1, self.h2, self.h2, self.half, self.plain])
            try:
                act()
            except ERRORS:
                pass
            self.done += 1

    def host(self):
        rng = self.rng
        return rng.choice([f"web.s{rng.randrange(4)}.{ZONE}", f"web--s{rng.randrange(4)}.{ZONE}",
                           "web." + ZONE, "fixed." + ZONE])

    def check(self, host, a):
        """A session's host is never answered by the shared copy, nor by another's."""
        name = a.get("x-backend")
        if a.status == 200 and name and name == "shared" and ".s" in host.replace("--s", ".s"):
            self.wrong.append((host, name))

    def connect(self, host, alpn):
        sock = self.edge.tls(host, context=self.contexts[alpn])
        sock.settimeout(10)
        return sock

    def drop(self, sock):
        """Closes: politely, by end, or by reset."""
        how = self.rng.randrange(3)
        if how == 0:
            sock.close()
            return
        raw = socket.socket(fileno=sock.detach())
        if how == 1:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw.close()

    def h1(self):
        rng, host = self.rng, self.host()
        c = Http1(self.connect(host, "http/1.1"), host)
        for _ in range(rng.randrange(1, 6)):
            path = rng.choice(PATHS)
            body = rng.choice([None, None, b"x" * rng.randrange(200000)])
            if path == "/slow" or rng.random() < 0.25:
                head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\n"
                data = head.encode() + b"y" * 100000
                c.send(data[:rng.randrange(1, len(data))])
                if rng.random() < 0.3:
                    c.sock.recv(rng.randrange(1, 50000))
                break
            self.check(host, c.request("POST" if body else "GET", path, body=body,
                                       chunked=bool(body) and rng.random() < 0.5))
        self.drop(c.sock)

    def h2(self):
        rng, host = self.rng, self.host()
        c = Http2(self.connect(host, "h2"), host)
        for _ in range(rng.randrange(1, 4)):
            streams = []
            for _ in range(rng.randrange(1, 12)):
                post = rng.random() < 0.4
                s = c.start("POST" if post else "GET", rng.choice(PATHS), end=not post)
                if post:
                    c.data(s, b"z" * rng.randrange(4000), end=rng.random() < 0.7)
                streams.append(s)
                if rng.random() < 0.3 and not s.over:
                    c.reset(rng.choice(streams) if rng.random() < 0.5 else s, rng.randrange(14))
            for _ in range(rng.randrange(30)):
                if all(s.over for s in streams) or not c.step(0.1):
                    break
            for s in streams:
                if s.ended:
                    self.check(host, s)
        self.drop(c.sock)

    def half(self):
        """A handshake that is left somewhere."""
        rng = self.rng
        with socket.create_connection(("127.0.0.1", self.edge.https), timeout=5) as s:
            s.sendall(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + rng.randbytes(rng.randrange(600)))

    def plain(self):
        with self.edge.plain() as c:
            c.sock.settimeout(10)
            c.request(target="/x" * self.rng.randrange(1, 100))


class Changer(threading.Thread):
    """Sessions s0..s3 come, change and go; the shared service's address changes by reloads."""

    def __init__(self, edge, backs, stop):
        super().__init__(daemon=True)
        self.edge, self.backs, self.stop_it = edge, backs, stop
        self.rng = random.Random(99)
        self.failed = []

    def run(self):
        rng = self.rng
        with Http1(connect_unix(self.edge.admin)) as c:
            n = 0
            while not self.stop_it.wait(0.002):
                name = f"s{rng.randrange(4)}"
                if rng.random() < 0.3:
                    a = Edge.call(c, "DELETE", f"/v1/sessions/{name}")
                    good = a.status in (204, 404)
                else:
                    a = Edge.call(c, "PUT", f"/v1/sessions/{name}",
                                  {"services": {"web": rng.choice(self.backs[1:]).url}})
                    good = a.status in (200, 201)
                if not good:
                    self.failed.append(a)
                n += 1
                if n % 20 == 0:
                    self.edge.signal(signal.SIGHUP)


@pytest.fixture(name="world", scope="module")
def fixture_world():
    wilds = [Wild(n, i) for i, n in enumerate(("shared", "one", "two"))]
    backs = [w.back for w in wilds]
    with Edge({
        "services": [{"name": "web", "url": backs[0].url}, {"name": "fixed", "url": backs[0].url}],
        "limits": {"pool_idle": "200ms", "response_timeout": "300ms", "idle_timeout": "1s",
                   "handshake_timeout": "2s", "header_timeout": "2s"},
        "log": {"level": "info"},
    }) as e:
        yield e, backs
    for b in backs:
        b.close()


@pytest.mark.parametrize("turn", [0, 1])
def test_chaos(world, turn):
    edge, backs = world
    edge.get("web." + ZONE, "/echo")
    wait_until(lambda: edge.metric("linkup_http_requests_open") <= 1, "quiet")
    before = edge.descriptors()
    wrong, stop = [], threading.Event()
    changer = Changer(edge, backs, stop)
    clients = [Client(edge, 100 * turn + i, wrong) for i in range(THREADS)]
    changer.start()
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    stop.set()
    changer.join()
    assert not wrong and not changer.failed
    assert sum(c.done for c in clients) == THREADS * ROUNDS
    assert edge.process.poll() is None
    wait_until(lambda: edge.metric("linkup_http_requests_open") <= 1, "every exchange to end")
    wait_until(lambda: edge.descriptors() <= before + 2, "every descriptor to be closed")
    assert edge.get("web." + ZONE, "/echo").status == 200


def test_the_end_in_the_middle_of_it():
    """SIGTERM while everything goes on: a clean exit, within drain."""
    wild = Wild("shared", 7)
    with Edge({"services": [{"name": "web", "url": wild.back.url},
                            {"name": "fixed", "url": wild.back.url}],
               "limits": {"response_timeout": "300ms", "idle_timeout": "1s"}, "drain": "2s"}) as edge:
        clients = [Client(edge, i, []) for i in range(THREADS)]
        for c in clients:
            c.start()
        wait_until(lambda: sum(c.done for c in clients) > 60, "some to be done")
        edge.signal(signal.SIGTERM)
        assert edge.wait() == 0
        for c in clients:
            c.join()
    wild.back.close()
