"""An edge by script, for real agents: it takes their connections, one after the other, and answers what they ask as
it is told. A connection that it makes a tunnel of is an `Http2`, the client's side of it."""

import select
import socket
import ssl
import time

from .edge import ZONE
from .http2 import Http2
from .net import PATIENCE, Late
from .pki import Issuer

HOST = f"edge.{ZONE}"


class Asking:
    """An agent's request for a tunnel, not yet answered. `alpn`: what the agent chose."""

    def __init__(self, sock):
        self.sock, self.alpn = sock, sock.selected_alpn_protocol()
        held = bytearray()
        while b"\r\n\r\n" not in held:
            piece = sock.recv(65536)
            assert piece, f"the agent ended after {bytes(held)!r}"
            held += piece
        head, self.behind = bytes(held).split(b"\r\n\r\n", 1)
        self.line, *lines = head.decode("latin-1").split("\r\n")
        self.fields = [(n.lower(), v.strip()) for n, _, v in (x.partition(":") for x in lines)]

    def all(self, name):
        return [v for n, v in self.fields if n == name]

    @property
    def sessions(self):
        return self.all("linkup-sessions")[0].split(", ")

    def say(self, data):
        self.sock.sendall(data)

    def switch(self, more=b""):
        """The 101, with MORE behind it in the same record."""
        self.say(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                 b"Upgrade: linkup-tunnel/1\r\nLinkup-Tunnel: t1\r\n\r\n" + more)

    def accept(self, authority=f"web.a.{ZONE}", **more):
        self.switch()
        return Http2(self.sock, authority, **more)

    def refuse(self, status, detail=None, session=None):
        """As the API does, with a problem; the agent is to end the connection."""
        body = f'{{"status":{status},"detail":"{detail}"}}'.encode() if detail else b""
        named = f"linkup-session: {session}\r\n" if session else ""
        self.say(f"HTTP/1.1 {status} No\r\n{named}content-length: {len(body)}\r\n\r\n".encode() + body)
        self.ends()

    def ends(self):
        """Until the agent has closed it."""
        self.sock.settimeout(PATIENCE)
        try:
            while self.sock.recv(65536):
                pass
        except socket.timeout as e:
            raise Late("the agent does not close") from e
        except OSError:
            pass
        self.sock.close()

    def close(self):
        self.sock.close()


class ScriptedEdge:
    """FOLDER is for its certificate. Goes where `support.agent.Agent` takes an edge, with `url`."""

    def __init__(self, folder, alpn=("h2", "http/1.1")):
        issuer = Issuer("The scripted edge's CA")
        issuer.write(folder, "edge", [HOST])
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_text(issuer.pem, encoding="ascii")
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(folder / "edge.pem", folder / "edge.key")
        self.tls.set_alpn_protocols(list(alpn))
        self.listener, self.https = None, 0
        self.listen()
        self.url = f"https://{HOST}:{self.https}"

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.https))
        self.https = self.listener.getsockname()[1]
        self.listener.listen(64)

    def close(self):
        """Nobody listens any more; `listen` again."""
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connection(self, seconds=PATIENCE):
        """The next one, before TLS."""
        self.listener.settimeout(seconds)
        try:
            sock, _ = self.listener.accept()
        except socket.timeout as e:
            raise Late("the agent does not come") from e
        sock.settimeout(seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def asked_besides(self, tunnel, seconds):
        """The same, while TUNNEL is kept alive."""
        end = time.monotonic() + seconds
        while not select.select([self.listener], [], [], 1)[0]:
            if time.monotonic() > end:
                raise Late("the agent does not come")
            n = len(tunnel.pings)
            tunnel.h2.ping(b"%08d" % n)
            tunnel.flush()
            tunnel.until(lambda n=n: len(tunnel.pings) > n, "a PING's answer")
        return self.asked()

    def asked(self, seconds=PATIENCE):
        return Asking(self.tls.wrap_socket(self.connection(seconds), server_side=True))
