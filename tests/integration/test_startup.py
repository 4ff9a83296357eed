"""Starting, refusing to start, taking up changes, ending."""

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import threading

import pytest
import yaml

from support.backend import Backend, reply
from support.edge import LINKUPD, SOURCE, ZONE, Edge, is_open
from support.http1 import NoAnswer
from support.net import PATIENCE, Late, connect, free_port, wait_until

AS_ROOT = os.geteuid() == 0
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]
needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root to become somebody else")


def linkupd(*args, **kw):
    return subprocess.run([LINKUPD, *args], capture_output=True, text=True, timeout=PATIENCE,
                          check=False, **kw)


@pytest.fixture(name="edge")
def fixture_edge():
    """Not started."""
    with Edge(start=False) as e:
        yield e


# --- the command line

def test_help():
    r = linkupd("--help")
    assert r.returncode == 0 and not r.stderr
    for word in ("--config", "--check", "--dump", "--version", "HUP", "TERM", "zone:"):
        assert word in r.stdout


def test_version():
    r = linkupd("--version")
    assert r.returncode == 0 and re.fullmatch(r"linkupd \d+\.\d+\.\d+\S*\n", r.stdout)


def test_every_key_is_explained():
    r = linkupd("--help-config")
    assert r.returncode == 0
    for key in ("zone", "listen.https", "sessions.max", "dns.unknown_sessions", "log.access"):
        assert key in r.stdout


@pytest.mark.parametrize("args", [[], ["--nonsense"], ["--config"], ["--check"], ["--dump"],
                                  ["--config", "x", "y"], ["x"]])
def test_wrong_usage(args):
    env = {k: v for k, v in os.environ.items() if k != "LINKUPD_CONFIG"}
    r = linkupd(*args, env=env)
    assert r.returncode == 2 and r.stderr and not r.stdout


def test_the_file_from_the_environment(edge):
    r = linkupd("--check", env={**os.environ, "LINKUPD_CONFIG": str(edge.file)})
    assert r.returncode == 0, r.stderr


# --- checking

def check(edge, text):
    edge.file.write_text(text)
    return edge.run("--check")


def test_check_of_what_is_right(edge):
    r = edge.run("--check")
    assert (r.returncode, r.stderr) == (0, "")


ALL_WRONG = """zone: dev_example
addresses: [203.0.113.300, 2001:db8::10]
nameserver: [ns1]
workers: many
listen:
  dns: ["0.0.0.0:53000", "0.0.0.0:53000"]
  https: ["somewhere"]
services:
  - {name: web, url: "ftp://x"}
  - {name: web, url: "http://x"}
  - {name: Api--x, url: "http://x", rewrites: [{source: "(", target: "/$1"}]}
domains:
  - {domain: dev.example.com, default_service: wep, routes: [{path: "[", service: web}]}
sessions: {default_ttl: soon, max: -1}
dns: {ttl: x, unknown_sessions: maybe}
log: {level: loud}
drain: 1
"""


def test_check_tells_all_at_once(edge):
    r = check(edge, ALL_WRONG)
    assert r.returncode == 1 and not r.stdout
    lines = r.stderr.splitlines()
    found = set()
    for line in lines:
        m = re.fullmatch(re.escape(str(edge.file)) + r":(\d+): ([^:]+): (.+)", line)
        assert m, line
        found.add((int(m[1]), m[2]))
    for want in [(1, "zone"), (2, "addresses[0]"), (3, "nameserver"), (4, "workers"),
                 (6, "listen.dns[1]"), (7, "listen.https[0]"), (9, "services[0].url"),
                 (10, "services[1].name"), (11, "services[2].name"),
                 (11, "services[2].rewrites[0].source"), (13, "domains[0].default_service"),
                 (13, "domains[0].routes[0].path"), (14, "sessions.default_ttl"),
                 (14, "sessions.max"), (15, "dns.ttl"), (15, "dns.unknown_sessions"),
                 (16, "log.level"), (17, "drain")]:
        assert want in found, f"{want} is not told:\n{r.stderr}"


def test_records_and_files_are_told_with_the_rest(edge):
    """What only other parts can judge does not wait until all else is right."""
    r = check(edge, f"""zone: {ZONE}
addresses: [127.0.0.1]
services:
  - {{name: web, url: "ftp://x"}}
log: {{level: loud}}
dns:
  records: ["a A 192.0.2.1", "b A 1.2.3"]
certificates: {{files: [{{cert: /nonexistent/c, key: /nonexistent/k}},
  {{cert: /nonexistent/d, key: /nonexistent/k}}]}}
""")
    assert r.returncode == 1
    for want in (":4: services[0].url: ", ":5: log.level: ", ":7: dns.records[1]: ",
                 ":8: certificates.files[0]: ", ":9: certificates.files[1]: "):
        assert want in r.stderr, f"{want} is not told:\n{r.stderr}"


@pytest.mark.parametrize("text", [
    "zone: [", "a: b: c", "\tzone: x", "zone: x\nzone: y", "- 1", "just text", "", "zone: !!python/x y",
    "zone: &a x\nstate: *b", "%YAML 9.9\n---\nzone: x", "zone: \"\\x00\"", "\x00\x01\x02", "zone: x\n...\n---\nzone: y",
])
def test_broken_yaml(edge, text):
    r = check(edge, text)
    assert r.returncode == 1 and str(edge.file) in r.stderr


def test_binary_and_huge_files(edge):
    edge.file.write_bytes(os.urandom(100000))
    assert edge.run("--check").returncode == 1
    edge.file.write_text("x: " + "[" * 100000)
    assert edge.run("--check").returncode == 1
    edge.file.write_text("a: &a [x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n"
        for i in range(12)))
    assert edge.run("--check").returncode == 1


@pytest.mark.parametrize("what", ["missing", "a folder", "unreadable"])
def test_files_that_cannot_be_read(edge, what):
    edge.file.unlink()
    prefix = []
    if what == "a folder":
        edge.file.mkdir()
    if what == "unreadable":
        if not AS_ROOT:
            pytest.skip("needs root")
        edge.file.write_text("zone: x")
        edge.file.chmod(0)
        prefix = NOBODY
    r = edge.run(command=[*prefix, *edge.command("--check")])
    assert r.returncode == 1 and str(edge.file) in r.stderr


def test_unknown_keys_name_the_nearest(edge):
    edge.write(sevices=[], listen={"htps": []})
    r = edge.run("--check")
    assert r.returncode == 1
    assert "sevices" in r.stderr and "services" in r.stderr and "listen.htps" in r.stderr


def test_zone_records_are_checked_too(edge):
    edge.write(dns={"records": ["x IN A 192.0.2.1", "y IN A nonsense", "z IN A 300.1.1.1"]})
    r = edge.run("--check")
    assert r.returncode == 1 and "dns.records[1]" in r.stderr and "dns.records[2]" in r.stderr
    edge.write(dns={"records": ["a CNAME b", "b CNAME a"]})
    r = edge.run("--check")
    assert r.returncode == 1 and "circle" in r.stderr


def test_the_environment(edge):
    edge.write(zone="${IT_ZONE}")
    env = {**os.environ, "IT_ZONE": "from.env.test"}
    r = edge.run("--dump", env=env)
    assert r.returncode == 0 and yaml.safe_load(r.stdout)["zone"] == "from.env.test"
    r = edge.run("--check", env={k: v for k, v in env.items() if k != "IT_ZONE"})
    assert r.returncode == 1 and "IT_ZONE" in r.stderr


def test_dump_round_trip(edge):
    edge.write(
        domains=[{"domain": ZONE, "default_service": "web",
                  "routes": [{"path": "^/a: \"b\" #c", "service": "web"}]}],
        services=[{"name": "web", "url": "https://u.example:8443/base/", "host": "preserve",
                   "tls": {"verify": False}, "health": {"path": "/h", "statuses": [200, 204]},
                   "rewrites": [{"source": "^/x/(.*)$", "target": "/$1"}]}],
        dns={"records": ["a IN TXT \"x y\"", "'quoted' IN A 192.0.2.1"][:1],
             "caa": ['0 issue "x"']},
        trusted_proxies=["10.0.0.0/8", "::1/128"], cache_routes=[".*\\.js$"], drain="90s",
        limits={"pool_idle": "250ms"})
    first = edge.run("--dump")
    assert first.returncode == 0, first.stderr
    edge.file.write_text(first.stdout)
    second = edge.run("--dump")
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout
    values = yaml.safe_load(first.stdout)
    assert values["sessions"]["default_ttl"] == "7d" and values["limits"]["pool_idle"] == "250ms"


def test_dump_keeps_secrets(edge):
    (edge.folder / "eab").write_text("c2VjcmV0LWtleQ\n")
    edge.write(certificates={"issuer": "acme", "acme": {
        "directory": "https://ca.example/dir", "eab": {"kid": "k", "key_file": "eab"}}})
    r = edge.run("--dump")
    assert r.returncode == 0, r.stderr
    assert "c2VjcmV0" not in r.stdout and "(secret)" in r.stdout


# --- what a first start makes

def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_first_start(edge):
    edge.start()
    assert mode(edge.state) == 0o700
    assert mode(edge.state / "admin.token") == 0o600
    assert mode(edge.state / "linkup.db") == 0o600
    assert mode(edge.admin) == 0o660
    keys = [p for p in edge.state.rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()]
    assert keys and all(mode(p) == 0o600 for p in keys)
    token = edge.admin_token
    assert edge.admin_token not in edge.log(), "secrets are never logged"
    ca = edge.ca_file.read_bytes()
    edge.restart()
    assert edge.admin_token == token and edge.api("GET", "/v1/ca.pem").body == ca


def test_probes(edge):
    edge.start()
    assert edge.probe("/healthz").status == 200 and edge.probe("/readyz").status == 200
    m = edge.probe("/metrics")
    assert m.status == 200 and m.get("content-type").startswith("text/plain; version=0.0.4")
    names = set()
    for line in m.body.decode().splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .*|[a-z_][a-z0-9_]*(\{[^}]*\})? [0-9.e+-]+|", line), line
        if line.startswith("# TYPE"):
            names.add(line.split()[2])
    assert "linkup_build_info" in names
    assert all(n.startswith("linkup_") for n in names)
    assert edge.probe("/nothing").status == 404
    with edge.plain(edge.metrics) as c:
        assert c.request("POST", "/metrics", body=b"").status == 405
    with edge.plain(edge.metrics) as c:
        assert c.request("HEAD", "/healthz").status == 200


def test_notify(edge):
    """sd_notify: READY when it serves, STOPPING when it ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        path = str(edge.folder / "notify")
        s.bind(path)
        s.settimeout(PATIENCE)
        edge.start(env={"NOTIFY_SOCKET": path})
        assert s.recv(100) == b"READY=1"
        edge.reload()
        assert (s.recv(100), s.recv(100)) == (b"RELOADING=1", b"READY=1")
        edge.stop()
        assert s.recv(100) == b"STOPPING=1"


# --- starts that fail: exit code 1, one line that says what to do, nothing changed

def fails(edge, *words, command=None, **kw):
    r = edge.run(command=command, **kw)
    assert r.returncode == 1, (r.returncode, r.stdout, r.stderr)
    for word in words:
        assert word in r.stderr, r.stderr
    assert "Sanitizer" not in r.stderr, r.stderr
    return r.stderr


@pytest.mark.parametrize("which", ["dns", "https", "http", "metrics"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_port_in_use(edge, which, kind):
    if kind == "udp" and which != "dns":
        pytest.skip("TCP only")
    port = {"dns": edge.dns4, "https": edge.https, "http": edge.http,
            "metrics": edge.metrics}[which]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else
                       socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", port))
        if kind == "tcp":
            s.listen()
        fails(edge, f"127.0.0.1:{port}", "another program")


def test_two_edges_on_the_same_ports(edge):
    """SO_REUSEPORT would let both in, and each would get a part of the requests."""
    edge.start()
    with Edge({"listen": edge.config["listen"]}, start=False) as other:
        fails(other, "another program")


def test_two_edges_on_one_state(edge):
    edge.start()
    with Edge({"state": str(edge.state)}, start=False) as other:
        fails(other, str(edge.state))
    assert edge.probe("/readyz").status == 200
    assert edge.api("GET", "/v1/sessions").status == 200


def test_two_edges_on_one_admin_socket(edge):
    edge.start()
    with Edge({"admin_socket": edge.admin}, start=False) as other:
        fails(other, edge.admin, "another edge")
    assert edge.api("GET", "/v1/sessions").status == 200, "its socket has not been taken away"


def test_a_socket_left_behind_is_replaced(edge):
    edge.start()
    edge.kill()
    assert os.path.exists(edge.admin)
    edge.start()
    edge.stop()
    assert not os.path.exists(edge.admin)


def test_an_admin_socket_path_that_is_something_else(edge):
    with open(edge.admin, "w", encoding="ascii") as f:
        f.write("precious")
    fails(edge, edge.admin)
    with open(edge.admin, encoding="ascii") as f:
        assert f.read() == "precious"


def test_addresses_of_others(edge):
    edge.write(listen={"https": ["192.0.2.77:44399"]})
    fails(edge, "192.0.2.77:44399", "does not have that address")


@needs_root
def test_no_permission_to_bind(edge):
    edge.state.mkdir()
    os.chown(edge.state, 65534, 65534)
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
        if int(f.read()) < 80:
            pytest.skip("every port may be bound here")
    edge.write(listen={"http": ["127.0.0.1:79"]})
    fails(edge, "127.0.0.1:79", "CAP_NET_BIND_SERVICE", command=[*NOBODY, *edge.command()])


@needs_root
def test_a_state_folder_that_cannot_be_made(edge):
    os.chmod(edge.folder, 0o555)
    fails(edge, str(edge.state), "ermission denied", command=[*NOBODY, *edge.command()])
    os.chmod(edge.folder, 0o755)


@needs_root
def test_a_state_folder_that_is_read_only(edge):
    edge.state.mkdir(mode=0o555)
    fails(edge, str(edge.state), "ermission denied", command=[*NOBODY, *edge.command()])
    assert not list(edge.state.iterdir())


def test_a_state_folder_that_is_a_file(edge):
    edge.state.write_text("precious")
    fails(edge, str(edge.state))
    assert edge.state.read_text() == "precious"


@pytest.mark.parametrize("limit", [100, 1000, 8192])
def test_a_full_disk_at_the_first_start(edge, limit):
    """Either it starts, or it says why; and once there is room it starts."""
    fails(edge, str(edge.state), command=["prlimit", f"--fsize={limit}", *edge.command()])
    edge.start()
    edge.stop()


def test_a_disk_that_fills(edge):
    """A change that does not fit is refused with 507, and nothing of it is there."""
    edge.start()
    edge.session("before", {"web": "http://127.0.0.1:1"})
    size = max(p.stat().st_size for p in edge.state.iterdir() if p.is_file())
    subprocess.run(["prlimit", "--pid", str(edge.pid), f"--fsize={size + 20000}:"], check=True)
    made, full = [], None
    for i in range(2000):
        a = edge.api("PUT", f"/v1/sessions/s{i}", {"services": {"web": "http://127.0.0.1:1"},
                                                   "owner": "x" * 100})
        if a.status == 507:
            full = i
            break
        assert a.status == 201, a
        made.append(f"s{i}")
    assert full is not None and "room" in a.json()["detail"]
    assert edge.api("GET", f"/v1/sessions/s{full}").status == 404
    assert edge.api("GET", "/v1/sessions/before").status == 200
    subprocess.run(["prlimit", "--pid", str(edge.pid), "--fsize=unlimited:"], check=True)
    edge.session(f"s{full}", {"web": "http://127.0.0.1:1"})
    edge.kill()
    edge.start()
    for name in ["before", *made, f"s{full}"]:
        assert edge.api("GET", f"/v1/sessions/{name}").status == 200


# --- state that is damaged is refused, and left as it is

def snapshot(folder):
    """All files but empty ones and SQLite's index of its log."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*"))
            if p.is_file() and not p.name.endswith("-shm") and p.stat().st_size}


def execute(edge, sql):
    with contextlib.closing(sqlite3.connect(edge.state / "linkup.db")) as db:
        db.execute(sql)
        db.commit()


DAMAGE = {
    "text": lambda data: b"this is no database\n" * 500,
    "empty": lambda data: b"",
    "cut": lambda data: data[:len(data) // 2],
    "zeros in the middle": lambda data: data[:4096] + bytes(4096) + data[8192:],
    "header": lambda data: b"x" * 16 + data[16:],
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_database(edge, what):
    edge.start()
    for i in range(50):
        edge.session(f"s{i}", {"web": "http://127.0.0.1:1"})
    edge.stop()
    db = edge.state / "linkup.db"
    db.write_bytes(DAMAGE[what](db.read_bytes()))
    before = snapshot(edge.state)
    fails(edge, str(db))
    fails(edge, str(db))
    assert snapshot(edge.state) == before


def test_another_programs_database(edge):
    edge.state.mkdir()
    execute(edge, "CREATE TABLE precious (x)")
    before = snapshot(edge.state)
    fails(edge, "another program")
    assert snapshot(edge.state) == before


def test_a_newer_database(edge):
    edge.start()
    edge.stop()
    execute(edge, "PRAGMA user_version = 99")
    fails(edge, "another version")


def rows(edge):
    with contextlib.closing(sqlite3.connect(edge.state / "linkup.db")) as db:
        return {t: sorted(db.execute(f"SELECT * FROM {t}")) for t in ("sessions", "tokens", "uses")}


def test_a_record_that_is_no_session(edge):
    edge.start()
    edge.session("good", {"web": "http://127.0.0.1:1"})
    edge.stop()
    execute(edge, "INSERT INTO sessions VALUES ('bad', '{\"name\": 1}')")
    before = rows(edge)
    fails(edge, "bad")
    assert rows(edge) == before


def ca_files(edge):
    return [p for p in sorted((edge.state / "ca").rglob("*")) if p.is_file()]


@pytest.mark.parametrize("how", ["garbage", "empty", "missing", "another's"])
@pytest.mark.parametrize("part", [0, 1])
def test_a_damaged_ca(edge, how, part):
    edge.start()
    edge.stop()
    files = ca_files(edge)
    assert len(files) >= 2
    victim = files[part]
    if how == "garbage":
        victim.write_bytes(b"-----BEGIN X-----\nxxxx\n-----END X-----\n")
    elif how == "empty":
        victim.write_bytes(b"")
    elif how == "missing":
        victim.unlink()
    else:
        with Edge() as other:
            shutil.copy(ca_files(other)[part], victim)
    before = snapshot(edge.state / "ca")
    fails(edge, str(edge.state / "ca"))
    assert snapshot(edge.state / "ca") == before


def test_a_lost_admin_token_file(edge):
    """Its hash is in the database: the edge starts, and does not make another one by itself."""
    edge.start()
    token = edge.admin_token
    edge.stop()
    (edge.state / "admin.token").unlink()
    edge.start()
    with edge.h1("edge." + ZONE) as c:
        assert edge.call(c, "GET", "/v1/sessions", token=token).status == 200


# --- SIGHUP

@pytest.fixture(name="backs")
def fixture_backs():
    with Backend("one") as one, Backend("two") as two:
        yield one, two


def services(back):
    return {"services": [{"name": "web", "url": back.url}]}


def test_reload_changes_what_is_new_and_drops_nothing(backs):
    one, two = backs
    step = threading.Semaphore(0)

    def slow(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(3):
            assert step.acquire(timeout=PATIENCE)
            c.send(b"0123456789")

    one.on("/download", slow)
    with Edge(services(one)) as e:
        host = "web." + ZONE
        with e.h1(host) as c, e.h2(host) as c2:
            c.send(f"GET /download HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert c.head().status == 200
            s = c2.start(path="/download")
            c2.until(lambda: s.status)
            for _ in range(2):
                step.release()
            assert e.reload(**services(two))[0] == "reloaded"
            assert e.get(host).json()["backend"] == "two"
            for _ in range(4):
                step.release()
            assert c.take(30) == b"0123456789" * 3
            assert c2.finish(s).body == b"0123456789" * 3
            assert c.request().json()["backend"] == "two", "the same connection goes on"
            assert c2.request().json()["backend"] == "two"


def test_reload_adds_and_removes_services_and_records(backs):
    one, two = backs
    with Edge(services(one)) as e:
        assert e.get("api." + ZONE).status == 404
        both = services(one)["services"] + [{"name": "api", "url": two.url}]
        assert e.reload(services=both, dns={"records": ["t IN TXT x"]})[0] == "reloaded"
        assert e.get("api." + ZONE).json()["backend"] == "two"
        assert e.reload(**services(one))[0] == "reloaded"
        assert e.get("api." + ZONE).status == 404


@pytest.mark.parametrize("text", ["zone: [", "zone: linkup.test\nnonsense: 1\n", ""])
def test_reload_of_a_bad_file_changes_nothing(backs, text):
    one, _ = backs
    with Edge(services(one)) as e:
        e.raw = text
        what, line = e.reload()
        assert what == "reload_refused" and line["file"] == str(e.file), line
        assert e.get("web." + ZONE).json()["backend"] == "one"
        e.raw = None
        assert e.reload()[0] == "reloaded"


@pytest.mark.parametrize("key,value", [
    ("zone", "other.test"), ("workers", 3), ("state", "/tmp/other-state"),
    ("admin_socket", "/tmp/other.sock"), ("listen.https", ["127.0.0.1:45678"]),
    ("listen.dns", []),
])
def test_reload_of_what_needs_a_restart(backs, key, value):
    one, two = backs
    with Edge(services(one)) as e:
        change = {key: value}
        if "." in key:
            outer, inner = key.split(".")
            change = {outer: {inner: value}}
        what, line = e.reload(**change, **services(two))
        assert what == "reload_refused" and line["key"] == key, line
        assert e.get("web." + ZONE).json()["backend"] == "one", "not even the rest is taken up"


def test_many_reloads_under_load(backs):
    one, two = backs
    with Edge(services(one)) as e:
        stop, bad = threading.Event(), []

        def ask():
            while not stop.is_set():
                with e.h1("web." + ZONE) as c:
                    for _ in range(20):
                        a = c.request()
                        if a.status != 200 or a.json()["backend"] not in ("one", "two"):
                            bad.append(a)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for t in threads:
            t.start()
        for i in range(20):  # their log lines are held back: the answers tell
            back = (two, one)[i % 2]
            e.write(**services(back))
            e.signal(signal.SIGHUP)
            wait_until(lambda b=back: e.get("web." + ZONE).json()["backend"] == b.name, "reload")
        stop.set()
        for t in threads:
            t.join()
        assert not bad


# --- SIGTERM

@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_the_end_waits_for_what_runs(backs, sig):
    one, _ = backs
    gate = threading.Event()

    def slow(c, r):
        gate.wait(PATIENCE)
        return one.echo(c, r)

    one.on("/slow", slow)
    with Edge(services(one)) as e:
        host = "web." + ZONE
        with e.h1(host) as c, e.h1(host) as idle:
            assert idle.request().status == 200
            c.send(f"GET /slow HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            one.wait(lambda r: r.target == "/slow")
            with e.plain(e.metrics) as probe:
                assert probe.request("GET", "/readyz").status == 200
                e.signal(sig)
                e.wait_log("draining")
                assert idle.ends() == b"", "an idle connection is let go at once"
                wait_until(lambda: not is_open(e.https), "the listener to close")
            gate.set()
            a = c.answer()
            assert a.status == 200 and a.get("connection") == "close"
        assert e.wait() == 0
        assert "stopped" in e.log()


def test_readyz_fails_while_it_drains(backs):
    one, _ = backs
    gate = threading.Event()
    one.on("/slow", lambda c, r: gate.wait(PATIENCE) and one.echo(c, r))
    with Edge(services(one)) as e:
        host = "web." + ZONE
        with e.h1(host) as c:
            c.send(f"GET /slow HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            one.wait(lambda r: r.target == "/slow")
            e.signal(signal.SIGTERM)
            e.wait_log("draining")
            try:
                a = e.probe("/readyz")
            finally:
                gate.set()
            assert a.status == 503
            assert c.answer().status == 200
        assert e.wait() == 0


def test_the_end_does_not_wait_longer_than_drain(backs):
    one, _ = backs
    hold = threading.Event()
    one.on("/for-ever", lambda c, r: hold.wait(PATIENCE) and None)
    try:
        with Edge({**services(one), "drain": "300ms"}) as e:
            host = "web." + ZONE
            with e.h1(host) as c:
                c.send(f"GET /for-ever HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                one.wait(lambda r: r.target == "/for-ever")
                e.signal(signal.SIGTERM)
                assert e.wait() == 0
                assert "drain_cut" in e.log()
    finally:
        hold.set()


def test_a_second_signal_ends_at_once(backs):
    one, _ = backs
    hold = threading.Event()
    one.on("/for-ever", lambda c, r: hold.wait(PATIENCE) and None)
    try:
        with Edge({**services(one), "drain": "1h"}, start=False) as e:
            # Its threads are not waited for: that is what the second signal is for.
            e.start(env={"TSAN_OPTIONS": "report_thread_leaks=0"})
            host = "web." + ZONE
            with e.h1(host) as c:
                c.send(f"GET /for-ever HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                one.wait(lambda r: r.target == "/for-ever")
                e.signal(signal.SIGTERM)
                e.wait_log("draining")
                e.signal(signal.SIGTERM)
                assert e.wait() == 0
    finally:
        hold.set()


def test_the_end_with_listeners_to_events(backs):
    """A stream that never ends must not hold the end up."""
    with Edge(services(backs[0])) as e:
        with e.h1("edge." + ZONE) as c:
            c.send(f"GET /v1/events HTTP/1.1\r\nHost: edge.{ZONE}\r\nAuthorization: Bearer "
                   f"{e.admin_token}\r\n\r\n".encode())
            assert c.head().status == 200
            e.signal(signal.SIGTERM)
            assert e.wait() == 0


def test_the_end_under_load(backs):
    """No request that was taken is lost: what a backend was asked, its client was answered, whole."""
    one, _ = backs
    with Edge(services(one)) as e:
        bad, begun = [], threading.Semaphore(0)
        answered = []

        def ask():
            try:
                with e.h1("web." + ZONE) as c:
                    for _ in range(100000):
                        a = c.request()
                        answered.append(a)
                        begun.release()
                        if a.status != 200 or not a.whole:
                            bad.append(a)
                        if a.get("connection") == "close":
                            return
            except (ConnectionError, ssl.SSLError, NoAnswer):
                pass  # closed before it was taken: the next connection would have served it
            except (OSError, AssertionError) as x:
                bad.append(x)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for _ in range(20):
            assert begun.acquire(timeout=PATIENCE)
        e.signal(signal.SIGTERM)
        for t in threads:
            t.join()
        assert e.wait() == 0 and not bad
        assert len(answered) == len(one.requests)


# --- who it runs as

@needs_root
def test_dropping_to_a_user():
    with Edge({"user": "nobody", "listen": {"http": ["127.0.0.1:%d" % free_port()]}}) as e:
        status = open(f"/proc/{e.pid}/status", encoding="ascii").read()
        assert re.search(r"^Uid:\t65534\t65534\t65534\t65534$", status, re.M), status
        assert re.search(r"^Gid:\t65534\t65534\t65534\t65534$", status, re.M) or \
            re.search(r"^Gid:\t(\d+)\t\1\t\1\t\1$", status, re.M)
        assert re.search(r"^CapEff:\t0+$", status, re.M)
        assert os.stat(e.state / "linkup.db").st_uid == 65534
        assert os.stat(e.admin).st_uid == 65534
        e.session("peter", {"web": "http://127.0.0.1:1"})
        e.restart()
        assert e.api("GET", "/v1/sessions/peter").status == 200


def test_an_unknown_user(edge):
    edge.write(user="no-such-user-here")
    fails(edge, "no-such-user-here")


@needs_root
def test_only_root_can_become_another(edge):
    edge.write(user="daemon")
    edge.state.mkdir()
    os.chown(edge.state, 65534, 65534)
    os.chmod(edge.folder, 0o777)
    fails(edge, "daemon", command=[*NOBODY, *edge.command()])


# --- where there is little of something

def test_an_access_log_that_nobody_reads(backs):
    """A full pipe: lines are dropped, requests are not held up."""
    read, write = os.pipe()
    try:
        with Edge({**services(backs[0]), "log": {"access": "stdout"}}, start=False) as e:
            e.spawn(stdout=write)
            e.wait_log("edge_ready")
            e.fetch_ca()
            with e.h1("web." + ZONE) as c:
                for _ in range(800):  # 300 bytes a line: four times the pipe
                    assert c.request(target="/" + "a" * 200).status == 200
            e.stop()
    finally:
        os.close(read)
        os.close(write)


def test_too_few_descriptors(backs):
    """Connections wait until silent ones have had their time; then all is well."""
    with Edge({**services(backs[0]), "limits": {"handshake_timeout": "500ms"}}, start=False) as e:
        e.spawn(prefix=["prlimit", "--nofile=100"])
        e.wait_log("edge_ready")
        e.fetch_ca()
        socks = [connect(e.https) for _ in range(150)]
        e.wait_log("accept_failed")
        assert e.probe("/healthz").status == 200
        for s in socks:
            s.close()
        wait_until(lambda: len(os.listdir(f"/proc/{e.pid}/fd")) < 70, "them to be closed")
        for _ in range(10):
            assert e.get("web." + ZONE).status == 200


def test_rotated_logs(backs):
    """SIGHUP opens the access log anew, as logrotate wants it."""
    with Edge(services(backs[0])) as e:
        log = e.folder / "access.log"
        assert e.get("web." + ZONE, "/before").status == 200
        wait_until(lambda: "/before" in log.read_text(), "the line")
        log.rename(e.folder / "access.log.1")
        assert e.reload()[0] == "reloaded"
        assert e.get("web." + ZONE, "/after").status == 200
        wait_until(lambda: log.exists() and "/after" in log.read_text(), "the line in the new file")
        assert "/after" not in (e.folder / "access.log.1").read_text()


def test_port_0(edge):
    """Any free port; UDP and TCP the same one."""
    edge.write(listen={"dns": ["127.0.0.1:0"], "https": ["127.0.0.1:0"], "http": []})
    edge.start()
    with open(f"/proc/{edge.pid}/net/udp", encoding="ascii") as f:
        assert f.read()
    assert edge.api("GET", "/v1/status").status == 200


def test_the_example_of_the_design(tmp_path):
    """The file in DESIGN section 9 is right as it stands."""
    text = """
zone: dev.example.com
addresses: [203.0.113.10, "2001:db8::10"]
nameservers: [ns1]
state: /var/lib/linkup
workers: auto
user: linkup
listen:
  dns: ["0.0.0.0:53", "[::]:53"]
  https: ["0.0.0.0:443", "[::]:443"]
  http: ["0.0.0.0:80", "[::]:80"]
  metrics: 127.0.0.1:9145
admin_socket: /run/linkup/admin.sock
services:
  - {name: web, url: "http://web-dev.internal:3000", health: {path: /healthz, interval: 10s}}
  - {name: api, url: "h2c://api-dev.internal:9000", rewrites: [{source: "^/api/(.*)", target: "/$1"}]}
domains:
  - {domain: dev.example.com, default_service: web, routes: [{path: "^/api/", service: api}]}
  - {domain: api.dev.example.com, default_service: api}
certificates: {issuer: internal}
sessions: {default_ttl: 7d, max_ttl: 90d, max: 100000}
dns: {ttl: 60, dnssec: false, unknown_sessions: answer, records: []}
log: {level: info, access: stdout, format: json}
"""
    file = tmp_path / "linkupd.yaml"
    file.write_text(text)
    r = linkupd("--check", "--config", str(file))
    # The user need not exist on this machine.
    assert r.returncode == 0 or all("user" in line for line in r.stderr.splitlines()), r.stderr


def test_nothing_is_left_behind(edge):
    edge.start()
    edge.stop()
    assert not os.path.exists(edge.admin)
    assert not [p for p in edge.state.iterdir() if p.name.endswith(("-wal", "-journal"))]
    with pytest.raises((ConnectionError, Late, OSError)):
        connect(edge.https).close()
    assert SOURCE.exists()


def test_a_full_edge_can_still_be_asked(backs):
    """limits.max_connections holds clients up, not those who look after the edge."""
    with Edge({**services(backs[0]), "workers": 1, "limits": {"max_connections": 2}}) as e:
        host = "web." + ZONE
        with e.h1(host) as one, e.h1(host) as two:
            for c in (one, two):
                c.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert c.answer().status == 200
            with socket.create_connection(("127.0.0.1", e.https)) as waiting:
                waiting.sendall(b"this is no handshake, and nobody reads it yet")
                assert e.probe("/readyz").status == 200
                assert "linkup_connections_accepted_total" in e.probe("/metrics").body.decode()
                one.close()
                waiting.settimeout(PATIENCE)
                assert waiting.recv(100) != b"", "an alert: its turn has come"
