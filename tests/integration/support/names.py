"""A name server for the hosts of backends: `resolvers` of an edge's configuration names it."""

import socket
import struct
import threading

A, AAAA = 1, 28


class Names:
    """With Names({"web.test": ["127.0.0.1"]}) as n: answers at n.at; `hosts` may be changed at any time.
    What is not in it is NXDOMAIN."""

    def __init__(self, hosts=None):
        self.hosts = hosts or {}
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.at = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def _serve(self):
        while True:
            try:
                query, peer = self.sock.recvfrom(4096)
                if not query:
                    return
                self.sock.sendto(self._answer(query), peer)
            except OSError:
                return

    def _answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        question, name = query[12:at + 5], ".".join(labels)
        self.asked.append(name)
        addresses = self.hosts.get(name)
        records = [socket.inet_pton(socket.AF_INET6 if ":" in a else socket.AF_INET, a)
                   for a in addresses or [] if (AAAA if ":" in a else A) == kind]
        flags = 0x8580 | (3 if addresses is None else 0)
        out = query[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0) + question
        for r in records:
            out += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(r)) + r
        return out
