"""A backend of the soak, a process of its own so that it can be killed: NAME PORT PORT2. HTTP/1.1 on the first
port, HTTP/2 in clear on the second. Prints a line when it listens."""

import hashlib
import sys
import threading
import time

from support.backend import Backend, reply
from support.backend_h2 import BackendH2
from support.websocket import echo

BLOCK = bytes(range(256)) * 64


READY = threading.Event()  # nothing is served before all is scripted


class Plain(Backend):
    def _serve(self, c):
        READY.wait()
        super()._serve(c)

    def _note(self, r):
        pass  # an hour of requests is not kept


class Clear(BackendH2):
    def _serve(self, sock):
        READY.wait()
        super()._serve(sock)

    def note(self, s):
        pass


def sizes(target):
    return int(target.rsplit("/", 1)[1])


def main(name, port, port2):
    own = {"x-backend": name}

    def down(c, r):
        n = sizes(r.target)
        c.send(f"HTTP/1.1 200 OK\r\nx-backend: {name}\r\ncontent-length: {n}\r\n\r\n".encode())
        while n > 0:
            c.send(BLOCK[:n])
            n -= len(BLOCK)

    def up(c, r):
        digest = hashlib.sha256()
        for piece in c.pieces(r):
            digest.update(piece)
        return reply(200, own, digest.hexdigest().encode())

    def events(c, _):
        c.send(f"HTTP/1.1 200 OK\r\nx-backend: {name}\r\ncontent-type: text/event-stream\r\n"
               "transfer-encoding: chunked\r\n\r\n".encode())
        for i in range(30):
            event = b"data: %d\n\n" % i
            c.send(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.02)
        return b"0\r\n\r\n"

    def talk(s):
        """Says every message back, then how it went, in trailers."""
        s.head(200, [("content-type", "application/grpc"), ("x-backend", name)])
        taken = 0
        while not s.whole:
            s.until(lambda: s.whole or len(s.body) > taken, "a message")
            new = bytes(s.body[taken:])
            taken += len(new)
            if new:
                s.data(new)
        s.end([("grpc-status", "0")])

    plain = Plain(name, keep_raw=False, port=port)
    plain.on("/ws", echo, streaming=True).on("/events", events, streaming=True)
    plain.on("/up", up, streaming=True).on("/ask", lambda c, r: reply(200, own, r.target.encode()))
    for n in (1000, 100_000, 3_000_000):
        plain.on(f"/down/{n}", down)
    clear = Clear(name, port=port2)
    clear.on("/talk", talk)
    READY.set()
    print("listening", flush=True)
    threading.Event().wait()


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
