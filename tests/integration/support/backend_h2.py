"""A backend that speaks HTTP/2, over python3-h2: a thread a connection reads, a thread a stream answers.
It can also send frames that h2 would not. What it is not told about a path it answers with JSON that says
what it received."""

import json
import socket
import ssl
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from .http2 import frame
from .net import PATIENCE, Late


class Gone(Exception):
    """The stream or its connection has ended."""


class Stream:
    """A request, and the ways to answer it. `whole`: it has come to its end; `reset`: the code with which
    the edge reset it."""

    def __init__(self, conn, number, headers):
        self.conn, self.number = conn, number
        pseudo = {n: v for n, v in headers if n.startswith(":")}
        self.method, self.target = pseudo[":method"], pseudo.get(":path")
        self.scheme, self.authority = pseudo.get(":scheme"), pseudo.get(":authority")
        self.protocol = pseudo.get(":protocol")
        self.pseudo, self.fields = pseudo, [(n, v) for n, v in headers if not n.startswith(":")]
        self.body, self.taken, self.trailers = bytearray(), 0, []
        self.whole, self.reset, self.answered = False, None, False

    def all(self, name):
        return [v for n, v in self.fields if n == name]

    def get(self, name, default=None):
        values = self.all(name)
        return ", ".join(values) if values else default

    @property
    def path(self):
        return (self.target or "").split("?")[0]

    def __repr__(self):
        return f"<{self.method} {self.target} {self.fields} {bytes(self.body[:100])!r}>"

    # --- the request

    def until(self, condition, what, seconds=PATIENCE):
        self.conn.until(lambda: condition() or self.reset is not None, what, seconds)
        if not condition():
            raise Gone(f"reset with {self.reset}")

    def read(self):
        """All of the body."""
        self.until(lambda: self.whole, "the end of the request")
        return bytes(self.body)

    def some(self, n=1):
        """At least N bytes of the body that were not read before; b"" at its end."""
        self.until(lambda: len(self.body) - self.taken >= n or self.whole, "more of the request")
        end = len(self.body)  # the reading thread may add to it meanwhile
        piece = bytes(self.body[self.taken:end])
        self.taken = end
        return piece

    def give_back(self, n):
        """Opens the windows by N bytes, where the backend does not do so by itself."""
        with self.conn.lock:
            self.conn.h2.acknowledge_received_data(n, self.number)
            self.conn.flush()

    # --- the response

    def head(self, status=200, fields=(), end=False):
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        with self.conn.lock:
            self._alive()
            self.conn.h2.send_headers(self.number, [(":status", str(status))] + pairs,
                                      end_stream=end)
            self.conn.flush()
        if status >= 200:
            self.answered = True

    def data(self, data=b"", end=False):
        """As far as the windows allow, waiting for them to open."""
        view = memoryview(data)
        while True:
            with self.conn.lock:
                self._alive()
                room = min(self.conn.h2.local_flow_control_window(self.number),
                           self.conn.h2.max_outbound_frame_size)
                n = max(0, min(len(view), room))
                if n or not view:
                    self.conn.h2.send_data(self.number, bytes(view[:n]),
                                           end_stream=end and n == len(view))
                    self.conn.flush()
                    self.conn.changed.notify_all() # somebody may wait for the window to be full
                    view = view[n:]
                if not view:
                    return
            if not n:
                self.until(lambda: self.conn.h2.local_flow_control_window(self.number) > 0,
                           "a window")

    def room(self):
        with self.conn.lock:
            return self.conn.h2.local_flow_control_window(self.number)

    def end(self, trailers=None):
        with self.conn.lock:
            self._alive()
            if trailers is None:
                self.conn.h2.end_stream(self.number)
            else:
                self.conn.h2.send_headers(self.number, list(trailers), end_stream=True)
            self.conn.flush()

    def cancel(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        with self.conn.lock:
            self._alive()
            self.conn.h2.reset_stream(self.number, code)
            self.conn.flush()

    def reply(self, status=200, fields=(), body=b""):
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        self.head(status, pairs + [("content-length", str(len(body)))], end=not body)
        if body:
            self.data(body, end=True)

    def _alive(self):
        if self.reset is not None or self.conn.over.is_set():
            raise Gone()


class Connection:
    """`over` is set when the edge has closed it; `goaway`: the code that it said before."""

    def __init__(self, backend, sock):
        self.backend, self.sock = backend, sock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.streams, self.goaway, self.over = {}, None, threading.Event()
        self.pings, self.resumed, self.auto_window = 0, None, backend.auto_window
        self.windows = 0
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1",
                                           validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        if backend.settings:
            self.h2.local_settings = h2.settings.Settings(client=False,
                                                          initial_values=backend.settings)

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.raw(data)

    def raw(self, data):
        with self.lock:
            try:
                self.sock.sendall(data)
            except OSError as e:
                raise Gone() from e

    def frame(self, kind, flags=0, stream=0, payload=b""):
        self.raw(frame(kind, flags, stream, payload))

    def say_goaway(self, last, code=0):
        self.frame("GOAWAY", payload=last.to_bytes(4, "big") + code.to_bytes(4, "big"))

    def until(self, condition, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        with self.changed:
            while not condition():
                if self.over.is_set():
                    raise Gone(f"closed before {what}")
                if not self.changed.wait(end - time.monotonic()):
                    raise Late(f"{self.backend.name} waited in vain for {what}")

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.sock.close()
            return
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    # --- the reading thread

    def serve(self, first=b""):
        """FIRST: what has been read from the socket already."""
        try:
            with self.lock:
                self.h2.initiate_connection()
                self.flush()
            while not self.backend.deaf.is_set() and (data := first or self.sock.recv(262144)):
                first = b""
                with self.changed:
                    for event in self.h2.receive_data(data):
                        self._take(event)
                    self.flush()
                    self.changed.notify_all()
            if self.backend.deaf.is_set():
                self.backend.stopped.wait()
        except (OSError, Gone, h2.exceptions.ProtocolError):
            pass
        finally:
            with self.changed:
                self.over.set()
                self.changed.notify_all()
            try:
                self.sock.close()
            except OSError:
                pass

    def _take(self, e):
        s = self.streams.get(getattr(e, "stream_id", None))
        if isinstance(e, h2.events.RequestReceived):
            s = self.streams[e.stream_id] = Stream(self, e.stream_id, e.headers)
            self.backend.note(s)
            threading.Thread(target=self._answer, args=(s,), daemon=True).start()
        elif isinstance(e, h2.events.DataReceived) and s:
            s.body += e.data
            if self.auto_window and e.flow_controlled_length:
                self.h2.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        elif isinstance(e, h2.events.TrailersReceived) and s:
            s.trailers = list(e.headers)
        elif isinstance(e, h2.events.StreamEnded) and s:
            s.whole = True
        elif isinstance(e, h2.events.StreamReset) and s:
            s.reset = int(e.error_code)
        elif isinstance(e, h2.events.ConnectionTerminated):
            self.goaway = int(e.error_code)
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        elif isinstance(e, h2.events.PingReceived):
            self.pings += 1
        elif isinstance(e, h2.events.WindowUpdated):
            self.windows += 1
        self.backend.tell()

    def _answer(self, s):
        answer = self.backend.scripts.get(s.path, self.backend.echo)
        try:
            out = answer(s) if callable(answer) else answer
            if out is not None:
                s.read()
                s.reply(200, (), out)
        except (Gone, OSError, h2.exceptions.H2Error):
            pass


class BackendH2:
    """`on` scripts a path: bytes for a body, or a function (stream) that answers by itself. SETTINGS are
    this side's (h2.settings.SettingCodes). TLS: (certificate file, key file), with ALPN as given."""

    def __init__(self, name="backend", tls=None, alpn=("h2",), settings=None, auto_window=True,
                 receive_buffer=None, port=0):
        self.name, self.settings, self.auto_window, self.tls = name, settings, auto_window, None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.set_alpn_protocols(list(alpn))
        self.scripts, self.connections, self.requests = {}, [], []
        self.changed = threading.Condition()
        self.stopped, self.deaf = threading.Event(), threading.Event()
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port))
        self.listener.listen(1024)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'https' if tls else 'h2c'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, path, answer):
        self.scripts[path] = answer
        return self

    def close(self):
        self.stopped.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for c in list(self.connections):
            c.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while not self.stopped.is_set():
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except (OSError, ssl.SSLError):
                sock.close()
                return
        self.adopt(sock)

    def adopt(self, sock, first=b""):
        """Serves a connection, to its end."""
        c = Connection(self, sock)
        c.resumed = sock.session_reused if self.tls else None
        with self.changed:
            self.connections.append(c)
            self.changed.notify_all()
        c.serve(first)
        self.tell()

    # --- what came

    def note(self, s):
        with self.changed:
            self.requests.append(s)
            self.changed.notify_all()

    def tell(self):
        with self.changed:
            self.changed.notify_all()

    def forget(self):
        with self.changed:
            self.requests.clear()

    @property
    def last(self):
        return self.requests[-1]

    def until(self, condition, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        with self.changed:
            while not (value := condition()):
                if not self.changed.wait(end - time.monotonic()):
                    raise Late(f"{self.name} waited in vain for {what}; it got {self.requests}")
        return value

    def wait(self, condition=lambda s: True, n=1, seconds=PATIENCE):
        """Until N requests' heads have come that fit; the last of them."""
        found = self.until(lambda: (r := [s for s in self.requests if condition(s)])[n - 1:] and r,
                           f"{n} requests", seconds)
        return found[-1]

    def echo(self, s):
        s.read()
        body = json.dumps({"backend": self.name, "method": s.method, "target": s.target,
                           "pseudo": s.pseudo, "fields": s.fields,
                           "body": s.body.decode("latin-1"), "trailers": s.trailers}).encode()
        fields = [("content-type", "application/json"), ("x-backend", self.name),
                  ("content-length", str(len(body)))]
        s.head(200, fields, end=s.method == "HEAD")
        if s.method != "HEAD":
            s.data(body, end=True)
