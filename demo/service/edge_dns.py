"""Asks one name server for one IPv4 address: RFC 1035 in a few lines."""

import secrets
import socket
import struct

TYPE_A, CLASS_IN = 1, 1
TRIES, TIMEOUT_SECONDS = 3, 1.0


class NoAddress(Exception):
    """The name has no address, or nobody answered."""


def resolve(host: str, server: tuple[str, int]) -> str:
    number = secrets.randbits(16)
    query = struct.pack(">6H", number, 0, 1, 0, 0, 0) + encode_name(host) + struct.pack(
        ">2H", TYPE_A, CLASS_IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(TIMEOUT_SECONDS)
        s.connect(server)
        for _ in range(TRIES):
            s.send(query)
            try:
                answer = s.recv(1232)
            except TimeoutError:
                continue
            if answer[:2] == query[:2]:
                return first_address(answer, host)
    raise NoAddress(f"the edge's DNS did not answer for {host}")


def encode_name(host: str) -> bytes:
    labels = (label.encode("ascii") for label in host.split("."))
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def skip_name(message: bytes, at: int) -> int:
    while message[at] != 0:
        if message[at] >= 0xC0:  # compressed: a pointer ends the name
            return at + 2
        at += 1 + message[at]
    return at + 1


def first_address(message: bytes, host: str) -> str:
    questions, answers = struct.unpack_from(">2H", message, 4)
    at = 12
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(answers):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack_from(">2HIH", message, at)
        at += 10
        if kind == TYPE_A:
            return socket.inet_ntoa(message[at:at + length])
        at += length
    raise NoAddress(f"the edge's DNS has no address for {host} (rcode {message[3] & 15})")
