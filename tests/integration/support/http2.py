"""An HTTP/2 client over python3-h2 that can also send frames that h2 would not."""

import socket
import ssl
import struct

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from .http1 import Answer
from .net import PATIENCE, Late

FRAME = {"DATA": 0, "HEADERS": 1, "PRIORITY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PUSH_PROMISE": 5,
         "PING": 6, "GOAWAY": 7, "WINDOW_UPDATE": 8, "CONTINUATION": 9}


def frame(kind, flags=0, stream=0, payload=b""):
    kind = FRAME.get(kind, kind)
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


class Stream(Answer):
    """A response on its way: `ended`, or `reset` with a code."""

    def __init__(self, number):
        super().__init__(None, "", [])
        self.number, self.ended, self.reset = number, False, None
        self.received, self.body = 0, bytearray()
        self.keep_body = True

    @property
    def over(self):
        return self.ended or self.reset is not None


class Http2:
    """One connection. `auto_window`: what is read is given back at once, as a browser does."""

    def __init__(self, sock, host="localhost", settings=None, auto_window=True):
        self.sock, self.host, self.auto_window = sock, host, auto_window
        self.streams, self.goaway, self.closed = {}, None, False
        self.goaways = 0
        self.pings, self.settings_acks = [], 0
        self.events, self.held = [], bytearray()
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1",
                                           validate_outbound_headers=False,
                                           normalize_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0, **settings})
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def close(self):
        self.sock.close()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.raw(data)

    def raw(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.closed = self.closed or "reset"

    # --- requests

    def start(self, method="GET", path="/", fields=(), host=None, end=True, scheme="https",
              headers=None, flush=True):
        """Opens a stream with a request's head; HEADERS replaces all of it."""
        number = self.h2.get_next_available_stream_id()
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        if headers is None:
            headers = [(":method", method), (":scheme", scheme), (":authority", host or self.host),
                       (":path", path)] + pairs
        s = self.streams[number] = Stream(number)
        self.h2.send_headers(number, [(n.encode("latin-1"), v.encode("latin-1"))
                                      for n, v in headers], end_stream=end)
        if flush:
            self.flush()
        return s

    def data(self, stream, data=b"", end=False, pad=None):
        """Sends as far as the windows allow, waiting for them to open."""
        number = stream.number
        view = memoryview(data)
        while stream.reset is None:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            extra = 0 if pad is None else pad + 1
            n = min(len(view), max(room - extra, 0))
            last = n == len(view)
            if n or last:
                self.h2.send_data(number, bytes(view[:n]), end_stream=end and last,
                                  pad_length=pad)
                self.flush()
                view = view[n:]
            if last or stream.reset is not None:
                return
            if not n and not self.step():
                return

    def trailers(self, stream, fields):
        self.h2.send_headers(stream.number, list(fields), end_stream=True)
        self.flush()

    def request(self, method="GET", path="/", fields=(), body=None, host=None, **more):
        s = self.start(method, path, fields, host, end=body is None, **more)
        if body is not None:
            self.data(s, body, end=True)
        return self.finish(s)

    def reset(self, stream, code=8):
        self.h2.reset_stream(stream.number, code)
        self.flush()

    # --- events

    def step(self, seconds=PATIENCE):
        """Reads once; False when the peer has closed."""
        if self.closed:
            return False
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(262144)
        except (socket.timeout, ssl.SSLWantReadError) as e:
            raise Late(f"nothing came; streams: {list(self.streams.values())[-3:]}") from e
        except (ConnectionResetError, ssl.SSLError, OSError):
            self.closed = "reset"
            return False
        if not data:
            self.closed = "end"
            return False
        self.held += data
        try:
            while len(self.held) >= 9:
                size = 9 + int.from_bytes(self.held[:3], "big")
                if len(self.held) < size:
                    break
                for event in self.h2.receive_data(bytes(self.held[:size])):
                    self.take(event)
                del self.held[:size]
        except h2.exceptions.ProtocolError as e:
            self.closed = f"protocol: {e}"
            return False
        self.flush()
        return True

    def take(self, e):
        self.events.append(e)
        s = self.streams.get(getattr(e, "stream_id", None))
        if isinstance(e, h2.events.ResponseReceived) and s:
            s.status = int(dict(e.headers)[":status"])
            s.fields = [(n, v) for n, v in e.headers if not n.startswith(":")]
        elif isinstance(e, h2.events.InformationalResponseReceived) and s:
            a = Answer(int(dict(e.headers)[":status"]), "",
                       [(n, v) for n, v in e.headers if not n.startswith(":")])
            s.interims.append(a)
        elif isinstance(e, h2.events.DataReceived) and s:
            s.received += len(e.data)
            if s.keep_body:
                s.body += e.data
            if self.auto_window and e.flow_controlled_length and not s.over:
                self.h2.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
        elif isinstance(e, h2.events.TrailersReceived) and s:
            s.trailers = list(e.headers)
        elif isinstance(e, h2.events.StreamEnded) and s:
            s.ended = True
        elif isinstance(e, h2.events.StreamReset) and s:
            s.reset = int(e.error_code)
        elif isinstance(e, h2.events.ConnectionTerminated):
            self.goaway = int(e.error_code)
            self.goaways += 1
            # For h2 that is the end; for RFC 9113 6.8 the open streams go on.
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN
        elif isinstance(e, h2.events.PingAckReceived):
            self.pings.append(e.ping_data)
        elif isinstance(e, h2.events.SettingsAcknowledged):
            self.settings_acks += 1

    def until(self, condition, what="an event"):
        while not condition():
            if not self.step() and not condition():
                raise AssertionError(f"closed ({self.closed}, goaway {self.goaway}) before {what}")

    def finish(self, stream):
        self.until(lambda: stream.over, f"the end of stream {stream.number}")
        stream.whole = stream.ended
        stream.body = bytes(stream.body)
        return stream

    def ends(self):
        """Reads until the peer closes the connection."""
        while self.step():
            pass
        return self.closed
