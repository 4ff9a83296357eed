"""A small HTTP/1.1 client over the admin socket; one kept connection."""

import json
import socket


class UnixClient:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.rest = b""

    def close(self):
        self.socket.close()

    def call(self, method, path, body=None):
        """Answer's body; what is no 2xx ends the run."""
        self.socket.sendall(request(method, path, body))
        return self.answer()

    def answer(self):
        """To the first request that has none yet."""
        while True:
            status, content, self.rest = response(self.rest)
            if status:
                break
            data = self.socket.recv(65536)
            if not data:
                raise SystemExit("run: the edge closed the admin connection")
            self.rest += data
        if status // 100 != 2:
            raise SystemExit(f"run: the edge refused: {status} {content.decode(errors='replace')}")
        return content


def request(method, path, body=None):
    content = b"" if body is None else json.dumps(body).encode()
    head = (f"{method} {path} HTTP/1.1\r\nhost: edge\r\ncontent-type: application/json\r\n"
            f"content-length: {len(content)}\r\n\r\n")
    return head.encode() + content


def response(data):
    """(status, body, what follows), or (0, b"", data) while it is not whole."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return 0, b"", data
    lines = head.split(b"\r\n")
    fields = dict(line.lower().split(b":", 1) for line in lines[1:])
    length = int(fields.get(b"content-length", b"0"))
    if len(rest) < length:
        return 0, b"", data
    return int(lines[0].split()[1]), rest[:length], rest[length:]
