"""linkup start --local: a session that lives on this machine alone, on an edge of its own, beside the zone's edge."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
import yaml

from support.backend import Backend, reply
from support.browser import open_page
from support.edge import LINKUP, LINKUPD, SANITIZER, ZONE, Edge
from support.http1 import Http1
from support.http2 import Http2
from support.net import PATIENCE, connect, connect_unix, free_port, wait_until
from support.websocket import BINARY, ClientH1, ClientH2, echo

WEB, API, AUTH = (f"{s}.slim.{ZONE}" for s in ("web", "api", "auth"))
HUNDRED_MB = 100_000_000


class Machine:
    """An engineer's: a home, a project, and `linkup` in it."""

    def __init__(self, folder, edge, project):
        self.folder, self.edge = Path(folder), edge
        self.home = self.folder / "home"
        self.home.mkdir(parents=True)
        self.state = self.folder / "state"
        self.place = self.state / "linkup/local" / ZONE
        self.ca = self.place / "state/ca/ca.pem"
        self.write(project)
        self.port = free_port()

    def write(self, project):
        (self.home / "linkup.yaml").write_text(yaml.safe_dump(project))

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items()
                if k in ("PATH", "LD_LIBRARY_PATH") or k.endswith("SAN_OPTIONS")}
        return {**keep, "HOME": str(self.home), "XDG_STATE_HOME": str(self.state),
                "LINKUP_EDGE": f"https://edge.{ZONE}:{self.edge.https}",
                "LINKUP_CONNECT": f"127.0.0.1:{self.edge.https}", "LINKUP_CA": str(self.edge.ca_file),
                "LINKUP_TOKEN": self.edge.admin_token, "LINKUP_LINKUPD": LINKUPD, **more}

    def run(self, *args, **more):
        return subprocess.run([LINKUP, *args], env=self.environment(**more), cwd=self.home, capture_output=True,
                              text=True, timeout=PATIENCE * 2, check=False, stdin=subprocess.DEVNULL)

    def ok(self, *args, **more):
        r = self.run(*args, **more)
        assert r.returncode == 0, r.stderr
        return r

    def start(self, *services, session="slim", **more):
        return self.ok("start", "--local", "--session", session, "--port", str(self.port), *services, **more)

    def stop(self, session="slim"):
        return self.ok("stop", "--session", session)

    def route(self, where, *services):
        return self.ok("route", where, "--session", "slim", *services)

    @property
    def ports(self):
        return json.loads((self.place / "ports.json").read_text())

    @property
    def pid(self):
        return int((self.place / "lock").read_text())

    # --- clients

    def tls(self, host, alpn):
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols([alpn])
        return context.wrap_socket(connect(self.port), server_hostname=host)

    def h1(self, host):
        return Http1(self.tls(host, "http/1.1"), host)

    def get(self, host, path="/", fields=(), method="GET", body=None):
        with self.h1(host) as c:
            return c.request(method, path, fields, body)

    def who(self, host, path="/", fields=()):
        a = self.get(host, path, fields)
        assert a.status == 200, a
        return a.get("x-backend")

    def curl(self, *args):
        return subprocess.run(
            ["curl", "-sS", "--max-time", str(int(PATIENCE)), "--cacert", str(self.ca), "--connect-to",
             f"::127.0.0.1:{self.port}", *args], capture_output=True, check=False, timeout=PATIENCE * 2)

    def ask(self, name, kind="A"):
        query = dns.message.make_query(name, kind)
        return dns.query.udp(query, "127.0.0.1", timeout=PATIENCE, port=self.ports["dns"])

    # --- the end

    def log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.place / "linkupd.log").read_text()
        return ""

    def end(self):
        """Whatever a test has left."""
        text = self.log()
        if list((self.place / "sessions").glob("*.json")):
            self.ok("stop", "--all")
        assert not processes_of(self.place)
        assert not SANITIZER.search(text), text


def processes_of(folder):
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


@pytest.fixture(name="backs", scope="module")
def fixture_backs():
    """The shared copies, and those on the machine."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(Backend(name))
               for name in ("shared-web", "shared-api", "shared-auth", "my-web", "my-api", "elsewhere")}


@pytest.fixture(name="edge", scope="module")
def fixture_edge(backs):
    with Edge({"services": [{"name": n, "url": backs[f"shared-{n}"].url} for n in ("web", "api", "auth")],
               "domains": [{"domain": ZONE, "default_service": "web"},
                           {"domain": f"shop.{ZONE}", "default_service": "api"}]}) as edge:
        yield edge


@pytest.fixture(autouse=True)
def fixture_fresh(backs):
    for b in backs.values():
        b.forget()
        b.scripts.clear()
        b.keep_raw = True


def project_of(backs):
    return {
        "linkup": {"edge_url": f"https://edge.{ZONE}"},
        "services": [
            {"name": "web", "local": backs["my-web"].url},
            {"name": "api", "local": backs["my-api"].url, "remote": "http://127.0.0.1:1"},
            {"name": "extra", "local": backs["my-api"].url, "remote": backs["elsewhere"].url,
             "rewrites": [{"source": "^/(.*)", "target": "/once/$1"}]}],
        "domains": [
            {"domain": ZONE, "default_service": "web", "routes": [{"path": "^/api/", "service": "api"}]},
            {"domain": f"shop.{ZONE}", "default_service": "api"},
            {"domain": "outside.example", "default_service": "web"}]}


@pytest.fixture(name="machine")
def fixture_machine(backs, edge, tmp_path):
    m = Machine(tmp_path, edge, project_of(backs))
    yield m
    m.end()


# --- the whole of it

def test_local_services_are_reached_directly_and_the_others_at_the_edge(machine, backs):
    r = machine.start("web")
    assert f"https://web.slim.{ZONE}:{machine.port}" in r.stdout.splitlines()
    assert f"https://auth.slim.{ZONE}:{machine.port}" in r.stdout.splitlines()
    assert f"HTTPS at 127.0.0.1:{machine.port}" in r.stderr
    assert "linkup local-dns install slim" in r.stderr and "linkup ca trust --local" in r.stderr
    assert "outside.example lies outside" in r.stderr

    assert machine.who(WEB) == "my-web"
    assert machine.who(f"slim.{ZONE}") == "my-web"
    assert machine.who(API, "/x") == "shared-api"
    assert machine.who(f"slim.{ZONE}", "/api/users") == "shared-api"
    assert machine.who(f"slim.shop.{ZONE}") == "shared-api"
    assert machine.who(AUTH) == "shared-auth"  # the edge's, of which the project does not speak
    assert machine.who(f"extra.slim.{ZONE}") == "elsewhere"  # which the edge does not have
    # By context, as a service on this machine would call the others.
    assert machine.who(f"web.{ZONE}", fields={"baggage": "linkup-session=slim"}) == "my-web"


def test_the_edge_routes_to_the_shared_copy(machine, backs, edge):
    """The session's context goes along, counts for nothing there, and nothing goes in circles."""
    machine.start("web")
    machine.who(AUTH, fields={"via": ", ".join(["1.1 linkup"] * 3), "referer": f"https://{WEB}/",
                              "origin": f"https://{WEB}:{machine.port}"})
    r = backs["shared-auth"].last
    assert r.get("host") == backs["shared-auth"].authority
    assert r.get("x-forwarded-host") == f"auth.{ZONE}:{edge.https}"
    assert r.get("via").count("linkup") == 5


def test_http2_and_curl(machine):
    machine.start("web")
    for host, back in ((WEB, b"my-web"), (AUTH, b"shared-auth")):
        r = machine.curl("--http2", "-o", "/dev/null", "-w", "%{http_version} %header{x-backend}",
                         f"https://{host}:{machine.port}/")
        assert (r.returncode, r.stdout) == (0, b"2 " + back), r.stderr


def test_a_hundred_megabytes(machine, backs):
    backs["my-web"].on("/page", lambda c, r: big(c))
    backs["my-web"].keep_raw = False
    machine.start("web")
    r = machine.curl(f"https://{WEB}:{machine.port}/page")
    assert r.returncode == 0, r.stderr
    assert len(r.stdout) == HUNDRED_MB
    assert hashlib.sha256(r.stdout).digest() == hashlib.sha256(PIECE * (HUNDRED_MB // len(PIECE))).digest()


PIECE = bytes(range(250)) * 400  # 100 kB


def big(c):
    c.send(f"HTTP/1.1 200 OK\r\ncontent-length: {HUNDRED_MB}\r\n\r\n".encode())
    for _ in range(HUNDRED_MB // len(PIECE)):
        c.send(PIECE)


@pytest.mark.parametrize("host, back", [(WEB, "my-web"), (AUTH, "shared-auth")], ids=["local", "shared"])
@pytest.mark.parametrize("client", ["h1", "h2"])
def test_websockets_pass(machine, backs, host, back, client):
    backs[back].on("/ws", echo, streaming=True)
    machine.start("web")
    sock = machine.tls(host, "http/1.1" if client == "h1" else "h2")
    c = ClientH1(Http1(sock, host)) if client == "h1" else ClientH2(Http2(sock, host))
    assert c.is_open, c.answer
    data = b"\0\1\2" * 1000
    c.ws.frame(BINARY, data)
    assert c.ws.receive() == data
    c.close()


def test_events_pass_at_once(machine, backs):
    """Of a service at the edge: head and first piece come while the answer goes on."""
    going_on = []

    def stream(c, _):
        going_on.append(c)
        c.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
               b"9\r\ndata: a\n\n\r\n")
        c.ended.wait(PATIENCE)

    backs["shared-auth"].on("/events", stream)
    machine.start("web")
    with machine.h1(AUTH) as c:
        c.send(f"GET /events HTTP/1.1\r\nhost: {AUTH}\r\n\r\n".encode())
        c.sock.settimeout(PATIENCE)
        held = b""
        while b"data: a\n\n" not in held:
            piece = c.sock.recv(65536)
            assert piece, held
            held += piece
        assert not going_on[0].ended.is_set()


def test_chromium(machine, backs):
    page = (b"<script>fetch('/api/told?' + document.title).then(r => r.text())"
            b".then(t => fetch('https://auth.slim.%s:%d/seen', {credentials: 'include'}))</script>"
            % (ZONE.encode(), machine.port))
    backs["my-web"].on("/page", reply(200, {"content-type": "text/html"}, b"<title>mine</title>" + page))
    machine.start("web")
    host = f"slim.{ZONE}"
    with open_page(f"https://{host}:{machine.port}/page", [f"*.{ZONE}"]):
        assert backs["shared-api"].wait(lambda r: r.path.startswith("/told") or "told" in r.path)
        assert backs["shared-auth"].wait(lambda r: r.path == "/seen").get("origin") == \
            f"https://{host}:{machine.port}"


# --- offline

def test_without_the_edge(backs, tmp_path):
    with Edge({"services": [{"name": n, "url": backs[f"shared-{n}"].url} for n in ("web", "api", "auth")]}) as edge:
        machine = Machine(tmp_path, edge, project_of(backs))
        token = edge.admin_token
        try:
            machine.start("web")
            assert machine.who(AUTH) == "shared-auth"
            edge.stop()
            assert machine.who(WEB) == "my-web"
            a = machine.get(AUTH, fields={"accept": "application/problem+json"})
            assert a.status in (502, 503), a
            assert a.json()["session"] == "slim" and a.json()["service"] == "auth", a.json()
            a = machine.get(AUTH, fields={"accept": "text/html"})
            assert b"<html" in a.body.lower()

            # The laptop was shut down, and starts on the train.
            machine.stop()
            r = machine.start("web", LINKUP_TOKEN=token)
            assert "cannot be reached: shared services will not answer" in r.stderr
            assert machine.who(WEB) == "my-web"
            edge.start()
            assert wait_until(lambda: machine.get(API).status == 200, "the edge is used again")
        finally:
            machine.end()


# --- names

def test_dns_is_for_its_sessions_alone(machine):
    machine.start("web")
    for name in (WEB, AUTH, f"slim.{ZONE}", f"slim.shop.{ZONE}"):
        a = machine.ask(name)
        assert [r.address for rrset in a.answer for r in rrset] == ["127.0.0.1"], a
        assert a.answer[0].ttl <= 5
    for name in (f"web.anna.{ZONE}", f"anna.{ZONE}", f"web.{ZONE}", ZONE, f"edge.{ZONE}", f"shop.{ZONE}",
                 f"anna.shop.{ZONE}", "example.com"):
        assert machine.ask(name).rcode() == dns.rcode.REFUSED, name


def test_another_session_is_not_served(machine, edge):
    edge.session("anna", {"web": "http://127.0.0.1:1"})
    try:
        machine.start("web")
        a = machine.get(f"web.anna.{ZONE}")
        assert a.status == 404 and b"anna" in a.body
    finally:
        edge.end_session("anna")


def test_a_name_means_one_session(machine, edge):
    edge.session("slim", {"web": "http://127.0.0.1:1"}, owner="mary")
    r = machine.run("start", "--local", "--session", "slim", "--port", str(machine.port), "web")
    assert r.returncode == 5
    assert 'has a session "slim" already, of mary' in r.stderr
    edge.end_session("slim")
    assert not processes_of(machine.place)
    assert machine.start("web").returncode == 0


# --- changes

def test_what_is_local_changes_at_once(machine):
    machine.start("web")
    pid = machine.pid
    assert (machine.who(WEB), machine.who(API)) == ("my-web", "shared-api")
    assert f"https://{API}:{machine.port}" in machine.route("local", "api").stdout
    machine.route("remote", "web")
    assert (machine.who(WEB), machine.who(API)) == ("shared-web", "my-api")
    assert machine.who(f"slim.{ZONE}", "/api/users") == "my-api"
    machine.route("remote", "--all")
    assert (machine.who(WEB), machine.who(API)) == ("shared-web", "shared-api")
    machine.route("local", "--all")
    machine.stop()
    machine.start()  # it is as it was left
    assert (machine.who(WEB), machine.who(API)) == ("my-web", "my-api")
    assert machine.pid != pid


def test_the_project_changes(machine, backs):
    """Services and domains are the edge's own configuration: it is read again, by the same process."""
    machine.start("web")
    pid = machine.pid
    project = project_of(backs)
    project["services"].append({"name": "new", "local": backs["my-api"].url})
    project["domains"].append({"domain": f"new.{ZONE}", "default_service": "new"})
    machine.write(project)
    machine.start("web", "new")
    assert machine.who(f"new.slim.{ZONE}") == "my-api"
    assert machine.who(f"slim.new.{ZONE}") == "my-api"
    assert machine.ask(f"slim.new.{ZONE}").rcode() == dns.rcode.NOERROR
    assert machine.pid == pid


def test_rewrites_are_the_projects(machine, backs):
    """Where a service runs here. At the edge its own do it, and once is enough. "${" is no variable."""
    project = project_of(backs)
    project["domains"][0]["routes"][0]["path"] = "^/(api|$${HOME})/"
    project["services"][1]["rewrites"] = [{"source": "^/api/(.*)", "target": "/v2/$1"}]
    machine.write(project)
    machine.start("api")
    machine.who(f"slim.{ZONE}", "/api/users?q=1")
    assert backs["my-api"].last.target == "/v2/users?q=1"
    machine.route("remote", "api")
    machine.who(f"slim.{ZONE}", "/api/users")
    assert backs["shared-api"].last.target == "/api/users"
    for where, back in (("remote", "elsewhere"), ("local", "my-api")):
        machine.route(where, "extra")
        assert machine.who(f"extra.slim.{ZONE}", "/x") == back
        assert backs[back].last.target == "/once/x"


def test_several_sessions_share_it(machine, backs, tmp_path, edge):
    """Of two worktrees: one process, each its own services, and it ends with the last."""
    machine.start("web")
    other = Machine(tmp_path / "other", edge, project_of({**backs, "my-web": backs["my-api"]}))
    other.state, other.place, other.port, other.ca = machine.state, machine.place, machine.port, machine.ca
    other.start("web", session="anna")
    assert len(processes_of(machine.place)) == 1
    assert machine.who(WEB) == "my-web"
    assert machine.who(f"web.anna.{ZONE}") == "my-api"

    r = other.run("start", "--local", "--session", "slim", "-c", "linkup.yaml", "web")
    assert r.returncode == 5 and str(machine.home) in r.stderr

    machine.stop()
    assert machine.get(WEB).status == 404
    assert machine.who(f"web.anna.{ZONE}") == "my-api"
    machine.stop("anna")
    assert not processes_of(machine.place)


def test_it_moves_between_the_edge_and_this_machine(machine, edge):
    """One name, one place: where it was before it is no more."""
    machine.ok("start", "--session", "slim", "web")
    assert edge.get(WEB).get("x-backend") == "my-web"
    machine.start()
    assert edge.get(WEB).status == 404
    assert machine.who(WEB) == "my-web"
    r = machine.run("http", "1", "--service", "web", "--session", "slim")
    assert r.returncode == 5 and "on this machine alone" in r.stderr
    machine.ok("start", "--session", "slim")
    assert not processes_of(machine.place)
    assert edge.get(WEB).get("x-backend") == "my-web"
    machine.stop()
    assert edge.get(WEB).status == 404


def test_it_has_a_name_of_its_own(machine):
    urls = machine.ok("start", "--local", "--port", str(machine.port), "web").stdout
    name = re.search(rf"//web\.([a-z]+-[a-z]+)\.{ZONE}", urls)[1]
    assert machine.who(f"web.{name}.{ZONE}") == "my-web"
    machine.ok("stop")
    assert machine.ok("start", "--local").stdout == urls
    machine.ok("stop", "--forget")


def test_status(machine, backs):
    machine.start("web")
    session, = json.loads(machine.ok("status", "--json", LINKUP_CONNECT="127.0.0.1:1").stdout)["here"]["sessions"]
    assert (session["session"], session["tunnel"]["state"]) == ("slim", "alone")
    assert str(machine.port) in session["tunnel"]["why"]
    services = {s["service"]: s for s in session["services"]}
    assert {n: s["place"] for n, s in services.items()} == {
        "web": "local", "api": "shared", "auth": "shared", "extra": "remote"}
    assert services["web"]["health"] == "up"
    assert services["extra"]["backend"] == backs["elsewhere"].url
    assert services["auth"]["url"] == f"https://{AUTH}:{machine.port}"
    os.kill(machine.pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(machine.place), "it is dead")
    session, = json.loads(machine.ok("status", "--json").stdout)["here"]["sessions"]
    assert session["tunnel"]["state"] == "stopped"
    assert "linkup start --local" in session["tunnel"]["why"]


# --- its process and its files

def test_stop_leaves_nothing_but_the_ca_and_the_ports(machine):
    machine.start("web")
    assert stat.S_IMODE(machine.place.stat().st_mode) == 0o700
    assert stat.S_IMODE((machine.place / "linkupd.yaml").stat().st_mode) == 0o600
    ca = machine.ca.read_text()
    machine.stop()
    assert not processes_of(machine.place)
    assert sorted(p.name for p in machine.place.iterdir()) == ["ports.json", "state"]
    assert machine.run("stop", "--session", "slim").returncode == 5  # it is stopped

    # What was trusted, and where resolvers point, is what it was.
    ports = machine.ports
    machine.start("web")
    assert (machine.ca.read_text(), machine.ports) == (ca, ports)


def test_killed_and_started_again(machine):
    machine.start("web")
    os.kill(machine.pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(machine.place), "it is dead")
    machine.start("web")
    assert machine.who(WEB) == "my-web"
    os.kill(machine.pid, signal.SIGKILL)
    wait_until(lambda: not processes_of(machine.place), "it is dead")
    machine.stop()
    machine.start("web", session="anna")
    assert machine.get(WEB).status == 404  # what ended while it was down has ended


def test_in_the_foreground(machine):
    command = [LINKUP, "start", "--local", "--session", "slim", "--port", str(machine.port), "--foreground", "web"]
    with subprocess.Popen(command, env=machine.environment(), cwd=machine.home, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as p:
        assert p.stdout.readline().startswith("https://")
        assert wait_until(lambda: machine.ca.exists() and machine.who(WEB) == "my-web", "it serves")
        while "until Ctrl-C" not in p.stderr.readline():
            pass
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=PATIENCE)
        assert p.returncode == 0
    assert not processes_of(machine.place)


def test_a_program_that_is_not_one(machine, tmp_path):
    fake = tmp_path / "linkupd"
    fake.write_text("#!/bin/sh\n[ \"$1\" != --check ] || exit 0\necho 'no such luck' >&2\nexit 7\n")
    fake.chmod(0o755)
    r = machine.run("start", "--local", "--session", "slim", "--linkupd", str(fake), "web")
    assert r.returncode == 1
    assert "does not start" in r.stderr and "no such luck" in r.stderr
    assert sorted(p.name for p in machine.place.iterdir()) == ["ports.json"]


def test_a_port_that_is_taken(machine):
    with socket.create_server(("127.0.0.1", machine.port)):
        r = machine.run("start", "--local", "--session", "slim", "--port", str(machine.port), "web")
    assert r.returncode == 1
    assert f"cannot listen for HTTPS on 127.0.0.1:{machine.port}" in r.stderr


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")
def test_without_the_right_to_443_it_has_a_high_port(machine):
    limited = ["setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"]
    command = [*limited, LINKUP, "start", "--local", "--session", "slim", "web"]
    r = subprocess.run(command, env=machine.environment(), cwd=machine.home, capture_output=True, text=True,
                       timeout=PATIENCE * 2, check=False)
    assert r.returncode == 0, r.stderr
    machine.port = machine.ports["https"]
    assert machine.port >= 8443 or os.geteuid() != 0
    assert f":{machine.port}" in r.stdout
    assert machine.who(WEB) == "my-web"


# --- trust and names, of the machine itself

def test_its_ca_can_be_shown_and_trusted(machine, tmp_path):
    assert machine.run("ca", "show", "--local").returncode == 5
    machine.start("web")
    assert machine.ok("ca", "show", "--local").stdout == machine.ca.read_text()
    machine.stop()
    root = tmp_path / "root"
    for folder in ("etc/ssl/certs", "etc/ca-certificates/update.d", "usr/share/ca-certificates",
                   "usr/local/share/ca-certificates"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ca-certificates.conf").write_text("")
    machine.ok("ca", "trust", "--local", "--root", str(root))
    anchor = root / f"usr/local/share/ca-certificates/linkup-local-{ZONE}.crt"
    assert anchor.read_text() == machine.ca.read_text()
    machine.ok("ca", "untrust", "--local", "--root", str(root))
    assert not anchor.exists()


@pytest.mark.skipif(not shutil.which("certutil"), reason="certutil is not installed")
def test_chromium_trusts_it(machine, backs):
    """Beside the zone's own CA, which has the same name."""
    store = machine.home / ".pki/nssdb"
    store.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True, timeout=PATIENCE)
    machine.start("web")
    machine.ok("ca", "trust", "--store", "nss")
    machine.ok("ca", "trust", "--local", "--store", "nss")
    with open_page(f"https://{WEB}:{machine.port}/trusted", [WEB], home=machine.home):
        backs["my-web"].wait(lambda r: r.path == "/trusted")


def test_local_dns_points_at_it(machine, tmp_path):
    root = tmp_path / "root"
    (root / "System/Library/CoreServices").mkdir(parents=True)
    r = machine.run("local-dns", "install", "--root", str(root))
    assert r.returncode == 2 and "no session" in r.stderr
    machine.start("web")
    said = json.loads(machine.ok("local-dns", "install", "--root", str(root), "--json").stdout)
    assert said == {"sessions": [{"session": "slim", "state": "installed", "port": machine.ports["dns"],
                                  "domains": [f"slim.{ZONE}", f"slim.shop.{ZONE}"]}]}
    files = {p.name: p.read_text() for p in (root / "etc/resolver").iterdir()}
    assert set(files) == {f"slim.{ZONE}", f"slim.shop.{ZONE}"}
    assert f"port {machine.ports['dns']}\n" in files[f"slim.{ZONE}"]
    assert "installed already" in machine.ok("local-dns", "install", "slim", "--root", str(root)).stderr
    assert machine.run("local-dns", "install", "no--name", "--root", str(root)).returncode != 0
    machine.stop()
    assert "uninstalled" in machine.ok("local-dns", "uninstall", "--root", str(root)).stderr
    assert not list((root / "etc/resolver").iterdir())
    assert "nothing" in machine.ok("local-dns", "uninstall", "--root", str(root)).stderr


def test_local_dns_is_not_for_sudo(machine):
    r = machine.run("local-dns", "install", "slim", SUDO_USER="peter")
    assert r.returncode == (2 if os.geteuid() == 0 else r.returncode)
    assert "run this as peter" in r.stderr or os.geteuid() != 0
