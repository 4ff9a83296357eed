"""linkup against linkupd itself: what an engineer and a CI job do, from login to the end."""

import json
import re
import stat

import pytest

from cli_edge import ZONE, Fixture
from support.edge import Edge
from support.http1 import Http1
from support.net import connect_unix

CONFIG = {
    "services": [{"name": "web", "url": "http://127.0.0.1:1"},
                 {"name": "api", "url": "http://127.0.0.1:1",
                  "rewrites": [{"source": "^/api/(.*)", "target": "/$1"}]}],
    "domains": [{"domain": ZONE, "default_service": "web", "routes": [{"path": "^/api/", "service": "api"}]}],
}
WEB = "web=http://web-pr-12.example.net"


class Real:
    """An edge, and `linkup` with a home of its own, run as Fixture does it."""

    environment, run, config = Fixture.environment, Fixture.run, Fixture.config
    terminal = Fixture.terminal

    def __init__(self, edge, folder):
        self.edge, self.home = edge, folder / "home"
        self.home.mkdir()
        self.url, self.connect = f"https://edge.{ZONE}:{edge.https}", f"127.0.0.1:{edge.https}"
        self.token_file = edge.state / "admin.token"

    def here(self):
        return {"LINKUP_EDGE": f"unix:{self.edge.admin}"}

    def ok(self, *args, **more):
        r = self.run(*args, **more)
        assert r.returncode == 0, r.stderr
        return r.stdout


@pytest.fixture(name="edge", scope="module")
def fixture_edge():
    with Edge(CONFIG) as edge:
        yield edge


@pytest.fixture(name="real")
def fixture_real(edge, tmp_path):
    """Without the sessions and tokens of the test before."""
    yield Real(edge, tmp_path)
    for session in edge.api("GET", "/v1/sessions?limit=1000").json()["sessions"]:
        edge.end_session(session["name"])
    for token in edge.api("GET", "/v1/tokens").json()["tokens"][1:]:
        edge.api("DELETE", f"/v1/tokens/{token['id']}")


def test_from_login_to_the_end(real):
    no = {}
    r = real.run("login", "--edge", real.url, "--connect", real.connect, "--token-file",
                 str(real.token_file), "--trust-ca", env=no)
    assert r.returncode == 0, r.stderr
    assert "warning" not in r.stderr
    assert stat.S_IMODE(real.config.stat().st_mode) == 0o600

    port = real.url.rpartition(":")[2]
    urls = real.ok("sessions", "create", "peter", WEB, "--ttl", "2d", env=no)
    assert f"https://web.peter.{ZONE}:{port}" in urls.splitlines()
    assert real.ok("sessions", "ls", env=no).split("\t")[:3] == ["peter", "admin", "web"]
    assert "ttl\t2d\n" in real.ok("sessions", "show", "peter", env=no)

    out = real.ok("sessions", "set", "peter", "web=shared", "api=tunnel", "--pin", "--owner", "mary", env=no)
    assert f"https://api.peter.{ZONE}:{port}" in out.splitlines()
    session = json.loads(real.ok("sessions", "show", "peter", "--json", env=no))
    assert list(session["services"]) == ["api"]
    assert (session["pinned"], session["owner"]) == (True, "mary")
    assert real.ok("sessions", "extend", "peter", env=no) == "pinned\n"
    real.ok("sessions", "set", "peter", "--no-pin", env=no)
    assert re.match(r"\d{4}-\d\d-\d\dT", real.ok("sessions", "extend", "peter", "--ttl", "14d", env=no))
    real.ok("sessions", "rm", "peter", env=no)
    assert real.run("sessions", "show", "peter", env=no).returncode == 5


def test_previews_keep_their_url(real):
    first = real.ok("preview", WEB, "api=h2c://api.example.net:9000")
    assert real.ok("preview", "api=h2c://api.example.net:9000", WEB) == first
    named = real.ok("preview", "pr-12", WEB)
    assert real.ok("preview", "pr-12", "web=http://other.example.net") == named
    shown = json.loads(real.ok("sessions", "show", "pr-12", "--json"))
    assert shown["services"]["web"]["url"] == "http://other.example.net"


def test_explain(real):
    real.ok("sessions", "create", "peter", WEB)
    assert real.ok("explain", f"https://peter.{ZONE}/api/x").splitlines() == [
        "outcome\tgoes to the shared \"api\"",
        f"rule\tsession by host; service by route ^/api/ of {ZONE}; shared",
        f"session\t\"peter\", by the host peter.{ZONE}",
        f"service\t\"api\", by the route ^/api/ of {ZONE}, for the path /api/x",
        "backend\thttp://127.0.0.1:1, the shared copy",
        "path\t/x"]
    assert "\"peter\", by baggage" in real.ok("explain", f"https://web.{ZONE}/", "-H",
                                              "Baggage: linkup-session=peter")
    assert "names \"dead\"" in real.ok("explain", f"https://web.{ZONE}/", "-H",
                                       "tracestate: linkup-session=dead")
    assert "no session \"gone\"" in real.ok("explain", f"https://web.gone.{ZONE}/")
    assert real.run("explain", "https:///").returncode == 1


def test_status(real):
    out = real.ok("status")
    assert f"zone\t{ZONE}\n" in out
    assert "workers\t2\n" in out
    assert "\nweb\thttps://web." in out
    assert {s["name"] for s in json.loads(real.ok("status", "--json"))["services"]} == {"web", "api"}


def test_tokens_and_scopes(real):
    assert real.ok("ca", "show") == real.edge.ca_file.read_text()
    tls = {"LINKUP_EDGE": real.url, "LINKUP_CONNECT": real.connect,
           "LINKUP_CA": str(real.edge.ca_file)}

    def as_(token):
        return {**tls, "LINKUP_TOKEN": token}

    secret = {scope: real.ok("token", "create", "--scope", scope, "--name", f"of-{scope}").strip()
              for scope in ("read", "session", "admin")}
    assert len(real.ok("token", "ls").splitlines()) == 4
    assert real.run("status", env=tls).returncode == 4
    assert real.run("status", env=as_("lk_wrong")).returncode == 4
    assert real.run("status", env=as_(secret["read"])).returncode == 0
    assert real.run("sessions", "create", WEB, env=as_(secret["read"])).returncode == 4
    real.ok("sessions", "create", "mine", WEB, env=as_(secret["session"]))
    assert real.run("token", "ls", env=as_(secret["session"])).returncode == 4
    # One's own only: another session token may not change it, an admin's may.
    other = real.ok("token", "create", "--scope", "session", "--name", "other").strip()
    assert real.run("sessions", "rm", "mine", env=as_(other)).returncode == 4
    real.ok("sessions", "rm", "mine", env=as_(secret["admin"]))
    ids = {line.split("\t")[1]: line.split("\t")[0] for line in real.ok("token", "ls").splitlines()}
    real.ok("token", "rm", ids["of-read"])
    assert real.run("status", env=as_(secret["read"])).returncode == 4


@pytest.mark.parametrize("args, code, says", [
    (["sessions", "create", "www", WEB], 1, "name"),
    (["sessions", "create", "a", WEB, "--ttl", "1y"], 1, "ttl: "),
    (["sessions", "create", "a", WEB, "--ttl", "900d"], 1, "ttl: "),
    (["sessions", "set", "nobody", "--pin"], 5, "(404)"),
    (["sessions", "extend", "nobody"], 5, "(404)"),
    (["sessions", "rm", "nobody"], 5, "(404)"),
    (["token", "rm", "nobody"], 5, "(404)"),
    (["token", "create", "--scope", "god", "--name", "x"], 1, "scope: ")])
def test_what_the_edge_refuses(real, args, code, says):
    r = real.run(*args)
    assert r.returncode == code, r.stderr
    assert says in r.stderr


def test_conflicts(real):
    real.ok("sessions", "create", "peter", WEB)
    r = real.run("sessions", "create", "peter", "web=http://other.example.net")
    assert r.returncode == 5
    assert "(409)" in r.stderr
    etag = re.search(r"etag (\S+)", real.run("sessions", "show", "peter").stderr).group(1)
    real.ok("sessions", "set", "peter", "--pin", "--if-match", etag)
    r = real.run("sessions", "rm", "peter", "--if-match", etag)
    assert r.returncode == 5
    assert "(412)" in r.stderr


def test_more_sessions_than_a_page_holds(real):
    names = [f"s{i:04}" for i in range(1100)]
    with Http1(connect_unix(real.edge.admin), f"edge.{ZONE}") as c:
        for name in names:
            assert real.edge.call(c, "PUT", f"/v1/sessions/{name}", {"services": {}}).status == 201
    assert [line.split("\t")[0] for line in real.ok("sessions", "ls").splitlines()] == names
    for name in names[1000:]:
        real.edge.end_session(name)


def test_its_ca_is_limited_to_the_zone(real):
    about = json.loads(real.ok("ca", "show", "--json"))
    assert about["limited"] is True
    assert about["names"] == [ZONE]


def test_an_edge_that_has_gone(tmp_path):
    with Edge(CONFIG) as edge:
        real = Real(edge, tmp_path)
        real.ok("status")
        edge.stop()
        r = real.run("status")
    assert r.returncode == 3
    assert "is linkupd running" in r.stderr


def test_preview_of_a_project(real, tmp_path):
    (tmp_path / "linkup.yaml").write_text(f"""
linkup: {{worker_url: "{real.url}", worker_token: "{real.token_file.read_text().strip()}", cache_routes: [/static/]}}
services:
  - {{name: web, remote: "https://web.example.net", local: "http://localhost:1"}}
  - {{name: back, remote: "https://back.example.net", local: "http://localhost:2",
     rewrites: [{{source: "^/a/(.*)", target: "/$1"}}]}}
domains: [{{domain: shop.test, default_service: web, routes: [{{path: ^/api/, service: back}}]}}]
""")
    env = {"LINKUP_CONFIG": str(tmp_path / "linkup.yaml"), "LINKUP_CA": str(real.edge.ca_file),
           "LINKUP_CONNECT": real.connect}
    new = "back=https://pr-12.example.net"
    r = real.run("preview", new, "--print-request", env=env)
    body = json.loads(r.stdout)
    assert body["services"] == {
        "web": {"url": "https://web.example.net"},
        "back": {"url": "https://pr-12.example.net", "rewrites": [{"source": "^/a/(.*)", "target": "/$1"}]}}
    assert f"POST {real.url}/v1/sessions" in r.stderr
    urls = real.ok("preview", new, env=env)
    assert urls == real.ok("preview", new, env=env) and ".shop.test" not in urls
    name = re.search(r"//back\.([0-9a-f]+)\.", urls)[1]
    session = json.loads(real.ok("sessions", "show", name, "--json"))
    assert session["preview"] and session["domains"][0]["domain"] == "shop.test"
    assert session["cache_routes"] == ["/static/"]
