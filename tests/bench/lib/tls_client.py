"""TLS clients in small: blocking, for what h2load does not do."""

import socket
import ssl

from lib.linkup import HOST

# SETTINGS without values, then HEADERS of `GET /small` that end the stream (literals, not indexed).
_H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_H2_ACK = b"\0\0\0\4\1\0\0\0\0"


def context(protocol, ca=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.minimum_version = ssl.TLSVersion.TLSv1_3
    c.set_alpn_protocols([protocol])
    if ca:
        c.load_verify_locations(ca)
    else:
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
    return c


def connect(ctx, port, host=HOST):
    tcp = socket.create_connection(("127.0.0.1", port), 30)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ctx.wrap_socket(tcp, server_hostname=host)


def h1_get(tls, path="/small", host=HOST):
    """First bytes of the answer to a GET; the whole when its length is told."""
    tls.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(tls)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += _some(tls)
    return head


def _some(tls):
    data = tls.recv(65536)
    if not data:
        raise SystemExit("run: the server closed the connection")
    return data


def _h2_headers(path, host):
    def text(s):
        return bytes([len(s)]) + s.encode()
    block = b"\x82\x87\x04" + text(path) + b"\x01" + text(host)  # :method GET, :scheme https, :path, :authority
    return len(block).to_bytes(3, "big") + b"\1\5\0\0\0\1" + block


def h2_get(tls, path="/small", host=HOST):
    """One request on a new connection, to the end of its stream."""
    tls.sendall(_H2_PREFACE + _h2_headers(path, host))
    data = b""
    while True:
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3], "big"):
            length, kind, flags = int.from_bytes(data[:3], "big"), data[3], data[4]
            stream = int.from_bytes(data[5:9], "big")
            data = data[9 + length:]
            if kind == 4 and not flags & 1:
                tls.sendall(_H2_ACK)
            if stream == 1 and kind in (0, 1) and flags & 1:
                return
            if kind in (3, 7):
                raise SystemExit("run: the server refused the HTTP/2 request")
        data += _some(tls)
