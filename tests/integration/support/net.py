"""Sockets: free ports, waiting with a bound, reading to the end."""

import os
import random
import socket
import time

# Below the system's ephemeral range, from which other tests' outgoing connections take theirs.
PORTS = range(10240, 32000)
PATIENCE = 30.0 * float(os.environ.get("LINKUP_TEST_PATIENCE", "1"))


class Late(AssertionError):
    """What was waited for did not come."""


_given = set()  # by this process: none is given twice


def _is_free(port):
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family, kind) as s:
                try:
                    s.bind((address, port))
                except OSError:
                    return False
    return True


def free_port():
    """Free on 127.0.0.1 and ::1, for TCP and UDP. Another process may still take it: edges that find
    it taken are started again with others."""
    for _ in range(1000):
        port = random.choice(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise Late("no free port")


def wait_until(condition, what, seconds=PATIENCE, step=0.01):
    """For what no event tells of: /proc, files. Returns what CONDITION gave."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"waited {seconds} s for: {what}")
        time.sleep(step)


def read_to_end(sock, seconds=PATIENCE):
    """All bytes until the peer closes, and whether it reset the connection."""
    sock.settimeout(seconds)
    data = bytearray()
    while True:
        try:
            piece = sock.recv(65536)
        except socket.timeout as e:
            raise Late(f"the peer did not close; it had sent {bytes(data[-200:])!r}") from e
        except OSError:
            return bytes(data), True
        if not piece:
            return bytes(data), False
        data += piece


def connect(port, address="127.0.0.1", seconds=PATIENCE):
    s = socket.create_connection((address, port), timeout=seconds)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def connect_unix(path, seconds=PATIENCE):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(seconds)
    s.connect(path)
    return s
