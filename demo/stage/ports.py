"""Ports for an edge on loopback: the usual ones, or the next that are free.

The edge shares its ports with other processes of the same user (SO_REUSEPORT, one socket a worker),
so two demos would not notice each other. Each therefore holds a name for every port it takes; the
kernel forgets an abstract socket with the process."""

import socket

from errors import Failure

LOOPBACK = "127.0.0.1"
ATTEMPTS = 200


class Ports:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self._held: list[socket.socket] = []
        self.dns = self._take("DNS", 8053, udp=True)
        self.https = self._take("HTTPS", 8443)
        self.http = self._take("HTTP", 8080)
        self.metrics = self._take("metrics", 9155)

    def _take(self, what: str, wanted: int, udp: bool = False) -> int:
        for port in range(wanted, wanted + ATTEMPTS):
            if not self._hold(port):
                continue
            if is_free(port, socket.SOCK_STREAM) and (not udp or is_free(port, socket.SOCK_DGRAM)):
                if port != wanted:
                    self.notes.append(f"port {wanted} is taken: {what} is on {port}")
                return port
        raise Failure(f"no port is free for {what}: {wanted} to {wanted + ATTEMPTS - 1} are taken")

    def _hold(self, port: int) -> bool:
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0linkup-demo/{port}")
        except OSError:
            name.close()
            return False
        self._held.append(name)
        return True


def is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as s:
        if kind == socket.SOCK_STREAM:  # connections of a moment ago do not count
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
