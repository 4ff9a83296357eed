"""linkup doctor: with a real edge, and with a resolver that does what resolvers do wrong."""

import json
import re
import socket
import subprocess
import threading

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from cli_edge import LINKUP, make_ca, make_leaf
from support.backend import Backend, reply
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
        "dns tcp": ["ok"], "sessions": ["ok"], "resolver": ["ok"], "system": ["doubtful"],
        "tunnel": ["ok"], "file": ["unchecked"], "context": ["unchecked"]}
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
                                "delegation": ["unchecked"], "tunnel": ["unchecked"],
                                "file": ["unchecked"], "context": ["unchecked"]}


def test_addresses_that_are_none(real):
    checks = doctor(real, "--dns", "ns1", "--resolver", "127.0.0.1:x")
    assert checks["dns"][0]["verdict"] == checks["resolver"][0]["verdict"] == "wrong"


# --- tunnels

HOP_BY_HOP = {"connection", "upgrade", "host", "transfer-encoding", "content-length"}


class Middlebox(Backend):
    """In front of the edge, with a certificate of its own: takes requests apart and makes them anew, as
    HTTP wants it, without what is for one hop only."""

    def __init__(self, edge, folder, tunnel=None):
        make_leaf(folder)
        super().__init__("middlebox", tls=(folder / "leaf.pem", folder / "leaf.key"))
        self.edge = edge
        for path in ("/linkup/check", "/v1/status", "/v1/tunnel"):
            self.on(path, self.pass_on)
        if tunnel:
            self.on("/v1/tunnel", tunnel)

    def pass_on(self, _, request):
        fields = [f for f in request.fields if f[0] not in HOP_BY_HOP]
        with self.edge.h1(f"edge.{ZONE}") as c:
            a = c.request(request.method, request.target, fields)
        return reply(a.status, [f for f in a.fields if f[0] not in HOP_BY_HOP], a.body)


def test_a_middlebox_that_drops_upgrades(real, edge, tmp_path):
    ca = make_ca(tmp_path)
    with Middlebox(edge, tmp_path) as box:
        env = {"LINKUP_CA": str(ca), "LINKUP_CONNECT": box.authority}
        checks = doctor(real, "--dns", real.direct, env=env)
    assert verdicts(checks)["token"] == ["ok"]
    found = checks["tunnel"][0]
    assert found["verdict"] == "wrong" and "its upgrade does not" in found["text"]
    assert "pass TCP through" in found["advice"]
    asked = box.seen(lambda r: r.path == "/v1/tunnel")[0]
    assert asked.get("upgrade") == "linkup-tunnel/1" and not asked.get("linkup-sessions")


@pytest.mark.parametrize("answer, verdict, words", [
    (b"", "wrong", "no answer"),
    (reply(502), "wrong", "502"),
    (reply(404), "unchecked", "knows of none"),
    (reply(403), "unchecked", "scope"),
])
def test_other_answers_to_an_upgrade(real, edge, tmp_path, answer, verdict, words):
    def tunnel(c, _):
        return answer or c.close()

    ca = make_ca(tmp_path)
    with Middlebox(edge, tmp_path, tunnel) as box:
        found = doctor(real, "--dns", real.direct,
                       env={"LINKUP_CA": str(ca), "LINKUP_CONNECT": box.authority})["tunnel"][0]
    assert found["verdict"] == verdict and words in found["text"]


def test_a_token_that_may_only_read(real, edge, tmp_path):
    token = tmp_path / "read.token"
    token.write_text(edge.token("read") + "\n")
    found = doctor(real, "--dns", real.direct, env={"LINKUP_TOKEN_FILE": str(token)})
    assert verdicts(found)["token"] == ["ok"] and verdicts(found)["tunnel"] == ["unchecked"]


# --- the project file

PROJECT = """
linkup: {{edge_url: "https://edge.linkup.test"}}
services:
  - {{name: web, remote: "https://web.example.net", local: "http://127.0.0.1:{here}"}}
  - {{name: api, remote: "https://api.example.net", local: "http://127.0.0.1:1"}}
  - {{name: six, remote: "https://six.example.net", local: "http://localhost:{six}"}}
  - {{name: odd, remote: "https://odd.example.net", local: "http://nowhere.invalid:80"}}
domains:
  - {{domain: linkup.test, default_service: web}}
"""


def test_who_listens_here(real, tmp_path):
    """On IPv6 alone, too."""
    file = tmp_path / "linkup.yaml"
    with Backend("web") as web, Backend("six", "::1") as six:
        file.write_text(PROJECT.format(here=web.port, six=six.port))
        checks = doctor(real, "--dns", real.direct, "-c", str(file))
    assert verdicts(checks)["file"] == ["ok"]
    assert [(c["verdict"], c["text"]) for c in checks["local"]][:3] == [
        ("ok", f"web: http://127.0.0.1:{web.port}"),
        ("doubtful", "api: http://127.0.0.1:1: nobody listens there"),
        ("ok", f"six: http://localhost:{six.port}")]
    assert checks["local"][3]["verdict"] == "doubtful"
    assert checks["local"][1]["advice"] == "start api, or leave it to the shared copy"


def test_a_project_file_above(real, tmp_path):
    (tmp_path / "linkup.yml").write_text(PROJECT.format(here=1, six=1))
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    r = subprocess.run([LINKUP, "doctor", "--dns", real.direct, "--json"], cwd=below, text=True,
                       env=real.environment(**real.env), capture_output=True, timeout=60, check=False)
    checks = {c["check"]: c for c in json.loads(r.stdout)["checks"]}
    assert checks["file"]["text"] == str(tmp_path / "linkup.yml")


def test_a_project_file_that_is_wrong(real, tmp_path):
    file = tmp_path / "linkup.yaml"
    file.write_text("services: []\ndomains: 7\n")
    found = doctor(real, "--dns", real.direct, env={"LINKUP_CONFIG": str(file)})["file"]
    assert {c["verdict"] for c in found} == {"wrong"} and len(found) > 1
    assert any(c["text"].startswith(f"{file}:2: domains") for c in found)
    missing = doctor(real, "--dns", real.direct, "-c", str(tmp_path / "none.yaml"))["file"]
    assert missing[0]["verdict"] == "wrong"
