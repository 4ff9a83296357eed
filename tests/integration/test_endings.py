"""Responses whose end is the end of the connection, from backends over TLS: only close_notify says that
nothing is missing (RFC 9112 9.8). And clients that end their side first."""

import socket

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.net import connect_unix, read_to_end
from support.pki import Issuer

HOST = "web." + ZONE
BODY = b"x" * 1000


def begin(c):
    c.send(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)


def in_order(c, _):
    begin(c)
    c.sock.settimeout(5)
    try:
        c.sock.unwrap()
    except OSError:  # it does not answer; ours was sent
        pass
    c.close()


def cut(c, _):
    begin(c)
    raw = socket.socket(fileno=c.sock.detach())  # below TLS, which says nothing
    raw.shutdown(socket.SHUT_RDWR)
    raw.close()
    c.ended.set()


@pytest.fixture(name="edge", scope="module")
def fixture_edge(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    issuer = Issuer()
    (folder / "ca.pem").write_text(issuer.pem)
    issuer.write(folder, "back", ["localhost"])
    with Backend(tls=(folder / "back.pem", folder / "back.key")) as back:
        back.on("/in-order", in_order).on("/cut", cut)
        web = {"name": "web", "url": f"https://localhost:{back.port}",
               "tls": {"ca": str(folder / "ca.pem")}}
        with Edge({"services": [web]}) as e:
            yield e


def test_a_close_notify_is_an_end(edge):
    a = edge.get(HOST, "/in-order")
    assert (a.status, a.body) == (200, BODY)
    assert edge.get2(HOST, "/in-order").body == BODY


def test_none_is_a_cut(edge):
    """What came reaches the client; that it is all does not."""
    with edge.h1(HOST) as c:
        c.send(f"GET /cut HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        data, _ = read_to_end(c.sock)
        assert data.count(b"x") == len(BODY) and not data.endswith(b"0\r\n\r\n")
    with edge.h2(HOST) as c:
        stream = c.start("GET", "/cut")
        s = c.finish(stream)
        assert s.reset is not None


def test_the_admin_socket_answers_who_has_ended_its_side(edge):
    with connect_unix(edge.admin) as s:
        s.sendall(b"GET /v1/services HTTP/1.1\r\nHost: edge\r\n\r\n")
        s.shutdown(socket.SHUT_WR)
        data, _ = read_to_end(s)
        assert data.startswith(b"HTTP/1.1 200 ") and b'"web"' in data
