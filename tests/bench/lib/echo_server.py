"""A WebSocket backend that gives back every byte behind the handshake. Proxies do not look into frames, so
that nobody has to here. Run by lib/backend.py: echo_server.py PORT."""

import base64
import hashlib
import selectors
import socket
import sys

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def _accept(selector, listener):
    s, _ = listener.accept()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(s, selectors.EVENT_READ, _shake)


def _shake(selector, s):
    """The handshake's head comes in one piece, from proxies on this machine."""
    fields = {}
    head = s.recv(65536)
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        fields[name.lower()] = value.strip()
    if b"sec-websocket-key" not in fields:
        selector.unregister(s)
        s.close()
        return
    key = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + _GUID).digest())
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n")
    selector.modify(s, selectors.EVENT_READ, _echo)


def _echo(selector, s):
    try:
        data = s.recv(65536)
        s.sendall(data)
    except OSError:
        data = b""
    if not data:
        selector.unregister(s)
        s.close()


def main():
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
    selector.register(listener, selectors.EVENT_READ, _accept)
    while True:
        for key, _ in selector.select():
            key.data(selector, key.fileobj)


main()
