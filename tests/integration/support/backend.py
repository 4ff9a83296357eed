"""A backend: HTTP/1.1 on a plain socket, a thread a connection. It keeps every byte that came, and
answers as it is told; what it is not told about it answers with JSON that says what it received."""

import json
import socket
import ssl
import threading
import time

from .net import PATIENCE, Late


class Request:
    def __init__(self, conn, head):
        self.conn, self.head = conn, head
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = first.split(" ")
        self.fields = []
        for line in lines:
            name, _, value = line.partition(":")
            self.fields.append((name.lower(), value.strip(" \t")))
        self.body, self.trailers, self.whole = b"", [], False

    def all(self, name):
        return [v for n, v in self.fields if n == name]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    @property
    def path(self):
        return self.target.split("?")[0]

    def __repr__(self):
        return f"<{self.method} {self.target} {self.fields} {self.body[:100]!r}>"


class Gone(Exception):
    """The peer closed."""


class Connection:
    """The backend's side of one connection. `ended` is set when the peer has closed: then `how`."""

    def __init__(self, backend, sock):
        self.backend, self.sock, self.raw, self.held = backend, sock, bytearray(), bytearray()
        self.ended, self.how = threading.Event(), None

    def _more(self):
        try:
            piece = self.sock.recv(65536)
        except OSError:
            piece = b""
            self.how = self.how or "reset"
        if not piece:
            self.how = self.how or "end"
            self.ended.set()
            raise Gone()
        if self.backend.keep_raw:
            self.raw += piece
        self.held += piece

    def _until(self, mark):
        while (at := self.held.find(mark)) < 0:
            self._more()
        out = bytes(self.held[:at])
        del self.held[:at + len(mark)]
        return out

    def _take(self, n):
        while len(self.held) < n:
            self._more()
        out = bytes(self.held[:n])
        del self.held[:n]
        return out

    def take(self, n):
        """Exactly N bytes; Gone when the peer ends before."""
        return self._take(n)

    def pieces(self, r):
        """The body as it comes."""
        if r.get("transfer-encoding"):
            while True:
                size = int(self._until(b"\r\n").split(b";")[0], 16)
                if not size:
                    break
                yield self._take(size)
                assert self._take(2) == b"\r\n"
            while line := self._until(b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                r.trailers.append((name.lower(), value.strip()))
        left = int(r.get("content-length", "0"))
        while left:
            if not self.held:
                self._more()
            piece = self._take(min(left, len(self.held)))
            left -= len(piece)
            yield piece
        r.whole = True

    def read_body(self, r):
        r.body = b"".join(self.pieces(r))

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as e:
            raise Gone() from e

    def wait_end(self, seconds=PATIENCE):
        """Until the peer closes; how it did."""
        self.sock.settimeout(seconds)
        try:
            while True:
                self._more()
        except Gone:
            pass
        return self.how

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        try:
            if not reset:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        raise Gone()


def reply(status=200, fields=(), body=b"", reason="OK"):
    """A whole response with content-length."""
    pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{n}: {v}" for n, v in pairs]
    lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Backend:
    """`on` scripts a path: bytes to send, or a function (connection, request) -> bytes or None that
    may write by itself. With streaming=True it reads the body by itself, too."""

    def __init__(self, name="backend", address="127.0.0.1", keep_raw=True, tls=None, port=0):
        """TLS: (certificate file, key file). PORT: one that is to be the same as another's."""
        self.name, self.keep_raw, self.tls = name, keep_raw, None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.set_alpn_protocols(["http/1.1"])
        self.scripts, self.connections, self.requests = {}, [], []
        self.changed = threading.Condition()
        self.stopping = False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(1024)
        self.address, self.port = address, self.listener.getsockname()[1]
        shown = f"[{address}]" if ":" in address else address
        self.authority = f"{shown}:{self.port}"
        self.url = f"{'https' if tls else 'http'}://{self.authority}"
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path, answer, streaming=False):
        self.scripts[path] = (answer, streaming)
        return self

    def close(self):
        self.stopping = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in list(self.connections):
            try:
                c.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- what came

    def forget(self):
        with self.changed:
            self.requests.clear()

    def seen(self, condition=lambda r: True):
        with self.changed:
            return [r for r in self.requests if condition(r)]

    @property
    def last(self):
        return self.requests[-1]

    def wait(self, condition=lambda r: True, n=1, seconds=PATIENCE):
        """Until N requests have come whole that fit; the last of them."""
        end = time.monotonic() + seconds
        with self.changed:
            while len(found := [r for r in self.requests if condition(r)]) < n:
                if not self.changed.wait(end - time.monotonic()):
                    raise Late(f"{self.name} got only {self.requests}")
        return found[-1]

    # --- threads

    def _accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            c = Connection(self, sock)
            self.connections.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def adopt(self, sock):
        """Serves a connection of another listener's, to its end."""
        c = Connection(self, sock)
        self.connections.append(c)
        self._serve(c)

    def _serve(self, c):
        try:
            if self.tls:
                c.sock = self.tls.wrap_socket(c.sock, server_side=True)
            while self._one(c):
                pass
        except (Gone, ssl.SSLError, ConnectionError):
            pass
        finally:
            c.ended.set()
            c.sock.close()

    def _note(self, r):
        with self.changed:
            self.requests.append(r)
            self.changed.notify_all()

    def _one(self, c):
        r = Request(c, c._until(b"\r\n\r\n"))
        answer, streaming = self.scripts.get(r.path, (self.echo, False))
        if streaming:
            self._note(r)
        else:
            c.read_body(r)
            self._note(r)
        out = answer(c, r) if callable(answer) else answer
        if out is not None:
            c.send(out)
        return True

    def echo(self, _, r):
        body = json.dumps({"backend": self.name, "method": r.method, "target": r.target,
                           "fields": r.fields, "body": r.body.decode("latin-1"),
                           "trailers": r.trailers}).encode()
        head = reply(200, [("content-type", "application/json"), ("x-backend", self.name)], body)
        return head[:len(head) - len(body)] if r.method == "HEAD" else head
