"""linkup doctor: with a real edge, and with a resolver that does what resolvers do wrong."""

import json
import re
import socket
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from support.edge import ZONE, Edge
from test_cli_real import CONFIG, Real

PRIVATE = "10.1.2.3"


class Resolver:
    """A recursive resolver over UDP: `answers` by (name, type), the rest from the edge."""

    def __init__(self, edge):
        self.edge, self.answers, self.asked = edge, {}, []
        self.drop_private = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def answer(self, name, kind, *data):
        self.answers[name + ".", kind] = dns.rrset.from_text(name + ".", 60, "IN", kind, *data)

    def _reply(self, query):
        q = query.question[0]
        key = (q.name.to_text().lower(), dns.rdatatype.to_text(q.rdtype))
        self.asked.append(key)
        reply = dns.message.make_response(query, recursion_available=True)
        if key in self.answers:
            reply.answer.append(self.answers[key])
            return reply
        at = dns.query.udp(query, "127.0.0.1", port=self.edge.dns4, timeout=10)
        reply.set_rcode(at.rcode())
        reply.answer = [] if self.drop_private else at.answer
        return reply

    def _serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
                self.socket.sendto(self._reply(dns.message.from_wire(data)).to_wire(), peer)
            except OSError:
                return

    def close(self):
        self.socket.close()


@pytest.fixture(name="edge", scope="module")
def fixture_edge():
    with Edge({**CONFIG, "addresses": [PRIVATE]}) as edge:
        yield edge


@pytest.fixture(name="real")
def fixture_real(edge, tmp_path):
    real = Real(edge, tmp_path)
    real.env = {"LINKUP_EDGE": real.url, "LINKUP_CONNECT": real.connect,
                "LINKUP_CA": str(edge.ca_file), "LINKUP_TOKEN_FILE": str(real.token_file)}
    real.direct = f"127.0.0.1:{edge.dns4}"
    return real


@pytest.fixture(name="resolver")
def fixture_resolver(edge):
    r = Resolver(edge)
    yield r
    r.close()


def doctor(real, *args, env=None):
    r = real.run("doctor", "--json", *args, env={**real.env, **(env or {})})
    found = json.loads(r.stdout)
    checks = {}
    for c in found["checks"]:
        checks.setdefault(c["check"], []).append(c)
    assert r.returncode == (0 if found["well"] else 1), r.stderr
    assert found["well"] == all(c["verdict"] != "wrong" for c in found["checks"])
    return checks


def verdicts(checks):
    return {name: [c["verdict"] for c in found] for name, found in checks.items()}


def test_all_is_well(real, resolver):
    """But for the name of the edge, which no system knows: browsers would not get there."""
    checks = doctor(real, "--dns", real.direct, "--resolver", resolver.address)
    assert verdicts(checks) == {
        "edge": ["ok"], "clock": ["ok"], "token": ["ok"], "version": ["ok"], "dns udp": ["ok"],
        "dns tcp": ["ok"], "sessions": ["ok"], "resolver": ["ok"], "system": ["doubtful"]}
    assert PRIVATE in checks["sessions"][0]["text"]
    name, kind = resolver.asked[-1]
    assert kind == "A" and re.fullmatch(r"web\.doctor-[0-9a-f]{12}\." + ZONE + r"\.", name)


def test_as_people_see_it(real, resolver):
    args = ("doctor", "--dns", real.direct, "--resolver", resolver.address)
    r = real.run(*args, env=real.env)
    assert r.returncode == 0
    assert [line.split("\t")[:2] for line in r.stdout.splitlines()][:2] == [["edge", "ok"], ["clock", "ok"]]
    assert "browsers will not" in r.stderr
    r = real.run(*args, env={**real.env, "LINKUP_CA": ""})
    assert r.returncode == 1 and "edge: trust the edge's own CA" in r.stderr


def test_a_resolver_that_drops_private_addresses(real, resolver):
    resolver.drop_private = True
    found = doctor(real, "--dns", real.direct, "--resolver", resolver.address)["resolver"][0]
    assert found["verdict"] == "wrong" and PRIVATE in found["text"] and "rebinding" in found["advice"]


def test_delegation(real, resolver):
    """Glue that leads where nobody answers is told apart from glue that is not there."""
    resolver.answer(ZONE, "NS", f"ns1.{ZONE}.", "ns.elsewhere.test.")
    resolver.answer(f"ns1.{ZONE}", "A", "127.0.0.253")
    resolver.answer("ns.elsewhere.test", "A")
    checks = doctor(real, "--resolver", resolver.address)
    assert f"ns1.{ZONE}" in checks["delegation"][0]["text"]
    assert verdicts(checks)["delegation"] == ["ok", "wrong"]
    assert "ns.elsewhere.test" in checks["delegation"][1]["text"]
    assert verdicts(checks)["dns udp"] == ["wrong"] and verdicts(checks)["dns tcp"] == ["wrong"]
    assert "127.0.0.253:53" in checks["dns udp"][0]["text"]
    assert verdicts(checks)["sessions"] == ["unchecked"]


def test_not_delegated(real, resolver):
    resolver.answer(ZONE, "NS")
    found = doctor(real, "--resolver", resolver.address)["delegation"][0]
    assert found["verdict"] == "wrong" and "NS records" in found["advice"]


def test_somebody_elses_dns(real, resolver):
    """A server without authority for the zone."""
    checks = doctor(real, "--dns", resolver.address, "--resolver", resolver.address)
    assert checks["dns udp"][0]["verdict"] == "wrong"
    assert "without authority" in checks["dns udp"][0]["text"]


@pytest.mark.parametrize("env, check, words", [
    ({"LINKUP_TOKEN_FILE": None, "LINKUP_TOKEN": "wrong"}, "token", "401"),
    ({"LINKUP_TOKEN_FILE": None}, "token", "none"),
    ({"LINKUP_CA": None}, "edge", "certificate"),
    ({"LINKUP_CONNECT": "127.0.0.1:1"}, "edge", "connect"),
])
def test_the_edge_and_the_token(real, resolver, env, check, words):
    checks = doctor(real, "--dns", real.direct, "--resolver", resolver.address, env=env)
    assert checks[check][0]["verdict"] == "wrong" and words in checks[check][0]["text"]
    assert checks[check][0]["advice"]


def test_over_the_admin_socket(real):
    checks = doctor(real, env={**{k: None for k in real.env}, **real.here()})
    assert verdicts(checks) == {"edge": ["ok"], "clock": ["ok"], "token": ["ok"], "version": ["ok"],
                                "delegation": ["unchecked"]}


def test_addresses_that_are_none(real):
    checks = doctor(real, "--dns", "ns1", "--resolver", "127.0.0.1:x")
    assert checks["dns"][0]["verdict"] == checks["resolver"][0]["verdict"] == "wrong"
