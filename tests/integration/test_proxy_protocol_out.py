"""PROXY headers to backends that ask for them: each connection says whose it is, and is nobody else's."""

import socket
import ssl
import struct

import pytest

from support.backend import Backend, Gone
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import connect
from support.pki import Issuer

HOST = "web." + ZONE


class Proxied(Backend):
    """A backend that wants a header first; `heads` are what came: (client, local), or None."""

    def __init__(self, *args, **kw):
        self.heads, self.versions = [], []
        super().__init__(*args, **kw)

    def _serve(self, c):
        try:
            c.proxied = self._read(c.sock)
            self.heads.append(c.proxied)
        except (OSError, AssertionError, Gone):
            c.ended.set()
            c.sock.close()
            raise
        super()._serve(c)

    def _exactly(self, sock, n):
        data = b""
        while len(data) < n:
            piece = sock.recv(n - len(data))
            if not piece:
                raise Gone()
            data += piece
        return data

    def _read(self, sock):
        head = self._exactly(sock, 6)
        if head == b"PROXY ":
            while not head.endswith(b"\r\n"):
                head += self._exactly(sock, 1)
            self.versions.append(1)
            words = head.decode().split()
            return None if words[1] == "UNKNOWN" else \
                ((words[2], int(words[4])), (words[3], int(words[5])))
        head += self._exactly(sock, 10)
        assert head[:12] == b"\r\n\r\n\0\r\nQUIT\n" and head[12] in (0x20, 0x21)
        body = self._exactly(sock, struct.unpack(">H", head[14:])[0])
        self.versions.append(2)
        if head[12] == 0x20:
            return None
        family, n = {0x11: (socket.AF_INET, 4), 0x21: (socket.AF_INET6, 16)}[head[13]]
        ports = struct.unpack(">HH", body[2 * n:])
        return tuple((socket.inet_ntop(family, body[i * n:i * n + n]), ports[i]) for i in (0, 1))


@pytest.fixture(name="pki", scope="module")
def fixture_pki(tmp_path_factory):
    folder, issuer = tmp_path_factory.mktemp("pki"), Issuer()
    issuer.write(folder, "back", ["localhost", "vault." + ZONE])
    (folder / "ca.pem").write_text(issuer.pem)
    return folder


@pytest.fixture(name="backs", scope="module")
def fixture_backs(pki):
    pair = (pki / "back.pem", pki / "back.key")
    with Proxied("one") as one, Proxied("two") as two, Proxied("tls", tls=pair) as tls, \
            Proxied("vault", tls=pair) as vault:
        yield {"one": one, "two": two, "tls": tls, "vault": vault}


@pytest.fixture(name="edge", scope="module")
def fixture_edge(backs, pki):
    tls = f"https://localhost:{backs['tls'].port}"
    with Edge({"workers": 1,
               "services": [
                   {"name": "one", "url": backs["one"].url, "proxy_protocol": "v1"},
                   {"name": "two", "url": backs["two"].url, "proxy_protocol": "v2"},
                   {"name": "tls", "url": tls, "proxy_protocol": "v2",
                    "tls": {"ca": str(pki / "ca.pem")}},
                   {"name": "vault", "url": backs["vault"].url, "proxy_protocol": "v1",
                    "passthrough": True}],
               "listen": {"proxy_protocol": ["127.0.0.2"]}}) as e:
        yield e


@pytest.fixture(autouse=True)
def fixture_forget(backs):
    for b in backs.values():
        b.heads.clear()
        b.versions.clear()


def ends_of(sock):
    return sock.getsockname()[:2], sock.getpeername()[:2]


@pytest.mark.parametrize("name,version", [("one", 1), ("two", 2), ("tls", 2)])
def test_it_says_who_the_client_is(edge, backs, name, version):
    with edge.h1(f"{name}.{ZONE}") as c:
        assert c.request("GET", "/").get("x-backend") == name
        assert backs[name].heads == [ends_of(c.sock)] and backs[name].versions == [version]


def test_ipv6(edge, backs):
    raw = connect(edge.https6, "::1")
    tls = edge.tls_context().wrap_socket(raw, server_hostname="two." + ZONE)
    with Http1(tls, "two." + ZONE) as c:
        assert c.request("GET", "/").status == 200
        assert backs["two"].heads == [ends_of(c.sock)]


def test_one_client_keeps_its_connection(edge, backs):
    with edge.h1("one." + ZONE) as c:
        for _ in range(5):
            assert c.request("GET", "/").status == 200
    assert len(backs["one"].heads) == 1


def test_clients_do_not_share(edge, backs):
    """Not even when one is idle, nor one after the other."""
    expected = []
    with edge.h1("two." + ZONE) as a, edge.h2("two." + ZONE) as b:
        for c in (a, b, a, b):
            assert c.request("GET", "/").status == 200
        expected += [ends_of(a.sock), ends_of(b.sock)]
    with edge.h1("two." + ZONE) as c:
        assert c.request("GET", "/").status == 200
        expected.append(ends_of(c.sock))
    assert sorted(backs["two"].heads) == sorted(expected)


def test_from_one_balancer_to_the_next(edge, backs):
    raw = socket.create_connection(("127.0.0.1", edge.https), source_address=("127.0.0.2", 0))
    raw.sendall(b"PROXY TCP6 2001:db8::7 2001:db8::1 50000 443\r\n")
    tls = edge.tls_context().wrap_socket(raw, server_hostname="one." + ZONE)
    with Http1(tls, "one." + ZONE) as c:
        assert c.request("GET", "/").status == 200
    assert backs["one"].heads == [(("2001:db8::7", 50000), ("2001:db8::1", 443))]


def test_before_tls_that_is_passed_through(edge, backs, pki):
    context = ssl.create_default_context(cafile=str(pki / "ca.pem"))
    tls = context.wrap_socket(connect(edge.https), server_hostname="vault." + ZONE)
    with Http1(tls, "vault." + ZONE) as c:
        assert c.request("GET", "/").get("x-backend") == "vault"
        assert backs["vault"].heads == [ends_of(c.sock)]


def test_a_sessions_own(edge, backs):
    body = {"services": {"one": {"url": backs["two"].url, "proxy_protocol": "v2"}}}
    made = edge.api("PUT", "/v1/sessions/peter", body)
    assert made.status == 201
    assert made.json()["services"]["one"]["proxy_protocol"] == "v2"
    with edge.h1(f"one.peter.{ZONE}") as c:
        assert c.request("GET", "/").get("x-backend") == "two"
        assert backs["two"].heads == [ends_of(c.sock)]


@pytest.mark.parametrize("override,status,field", [
    ({"url": "http://a.internal", "proxy_protocol": "v3"}, 422, "services.one.proxy_protocol"),
    ({"tunnel": True, "proxy_protocol": "v1"}, 422, "services.one.proxy_protocol"),
])
def test_a_session_that_is_refused(edge, override, status, field):
    a = edge.api("PUT", "/v1/sessions/refused", {"services": {"one": override}})
    assert a.status == status and field in a.body.decode(), a
