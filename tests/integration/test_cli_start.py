"""start, stop, route: an engineer's services on localhost in sessions of a real edge."""

import json
import os
import re
import signal
import socket
import stat
import threading
from pathlib import Path

import pytest

from cli_edge import run_on_terminal
from support.backend import Backend, reply
from support.edge import LINKUP, ZONE, Edge
from support.engineer import Engineer
from support.net import connect_unix, free_port, read_to_end, wait_until

WORDS = re.compile(r"[a-z]+-[a-z]+(-[0-9a-z]{6})?")


@pytest.fixture(name="shared", scope="module")
def fixture_shared():
    with Backend("shared") as b:
        yield b


@pytest.fixture(name="local")
def fixture_local():
    with Backend("local") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(shared):
    with Edge({"services": [{"name": "web", "url": shared.url}, {"name": "api", "url": shared.url}]}) as e:
        yield e


@pytest.fixture(name="peter")
def fixture_peter(edge, tmp_path):
    with Engineer(edge, tmp_path) as p:
        yield p


def backend_of(edge, session, service="web"):
    """Which backend answers there, by its own word."""
    return edge.get(f"{service}.{session}.{ZONE}").json()["backend"]


def name_of(urls):
    return re.search(r"//web\.([a-z0-9-]+)\.", urls)[1]


def read_until(process, fits):
    """A line that it prints; its end is not one."""
    for line in process.stdout:
        if fits(line):
            return
    raise AssertionError(f"it ended: {process.stderr.read()}")


def test_start_route_stop(edge, peter, local):
    folder = peter.project("shop", {"web": local.url, "api": f"http://localhost:{free_port()}"})
    r = peter.ok("start", cwd=folder)
    name = name_of(r.stdout)
    assert WORDS.fullmatch(name)
    assert r.stdout.splitlines() == [f"https://{host}:{edge.https}" for host in
                                     (f"web.{name}.{ZONE}", f"api.{name}.{ZONE}", f"{name}.{ZONE}")]
    assert f"session {name} is up" in r.stderr
    assert backend_of(edge, name) == "shared"

    r = peter.ok("route", "local", "web", cwd=folder)
    assert r.stdout == f"https://web.{name}.{ZONE}:{edge.https}\n" and r.stderr == ""
    assert backend_of(edge, name) == "local"
    assert backend_of(edge, name, "api") == "shared"

    peter.ok("route", "remote", "web", cwd=folder)
    assert backend_of(edge, name) == "shared"
    assert edge.api("GET", f"/v1/sessions/{name}").json()["services"] == {}

    r = peter.ok("stop", cwd=folder)
    assert f"session {name} is stopped" in r.stderr
    assert edge.api("GET", f"/v1/sessions/{name}").status == 404
    peter.await_no_agent()
    assert not peter.socket.exists()
    assert peter.run("stop", cwd=folder).returncode == 5


def test_name_and_place_stay(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    assert backend_of(edge, name) == "local"
    pid = peter.agent_pid()
    assert name_of(peter.ok("start", cwd=folder).stdout) == name # once more is no harm
    assert peter.agent_pid() == pid and backend_of(edge, name) == "local"
    (folder / "deep/er").mkdir(parents=True)
    peter.ok("stop", cwd=folder / "deep/er")
    assert name_of(peter.ok("start", cwd=folder).stdout) == name
    assert backend_of(edge, name) == "local"
    peter.ok("stop", "--forget", cwd=folder)
    assert name_of(peter.ok("start", cwd=folder).stdout) != name


def test_two_folders_over_one_agent(edge, peter, local):
    with Backend("other") as other:
        one, two = peter.project("one", {"web": local.url}), peter.project("two", {"web": other.url})
        a = name_of(peter.ok("start", "web", cwd=one).stdout)
        b = name_of(peter.ok("start", "web", cwd=two).stdout)
        assert a != b
        assert (backend_of(edge, a), backend_of(edge, b)) == ("local", "other")
        here = peter.json("status", cwd=one)["here"]
        assert [(s["session"], s["tunnel"]["state"]) for s in here["sessions"]] == [(a, "up"), (b, "up")]
        pid = peter.agent_pid()
        peter.ok("stop", cwd=one)
        assert peter.agent_pid() == pid and backend_of(edge, b) == "other"
        assert edge.get(f"web.{a}.{ZONE}").status == 404


def test_sessions_by_name_in_one_folder(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    own = name_of(peter.ok("start", cwd=folder).stdout)
    assert name_of(peter.ok("start", "web", "--session", "mine", cwd=folder).stdout) == "mine"
    assert (backend_of(edge, own), backend_of(edge, "mine")) == ("shared", "local")
    peter.ok("route", "remote", "--all", cwd=folder, env={"LINKUP_SESSION": "mine"})
    assert backend_of(edge, "mine") == "shared"
    # It is found from elsewhere by its name, with its project.
    peter.ok("route", "local", "--all", "--session", "mine")
    assert backend_of(edge, "mine") == "local"
    other = peter.project("other", {"web": local.url})
    r = peter.run("start", "--session", "mine", "-c", str(other / "linkup.yaml"))
    assert r.returncode == 5 and str(folder) in r.stderr
    peter.ok("stop", "--all")
    peter.await_no_agent()
    assert edge.api("GET", "/v1/sessions/mine").status == edge.api("GET", f"/v1/sessions/{own}").status == 404


def test_two_starts_at_the_same_time(edge, peter, local):
    folders = [peter.project(n, {"web": local.url}) for n in ("a", "b")]
    starts = [peter.spawn("start", "web", cwd=f) for f in folders + folders]
    said = [p.communicate() for p in starts]
    assert [p.returncode for p in starts] == [0] * 4, said
    names = [name_of(out) for out, _ in said]
    assert names[0] == names[2] != names[1] == names[3]
    assert [backend_of(edge, n) for n in names[:2]] == ["local", "local"]


def test_agent_killed_and_start_goes_on(edge, peter, local):
    one, two = peter.project("one", {"web": local.url}), peter.project("two", {"web": local.url})
    a = name_of(peter.ok("start", "web", cwd=one).stdout)
    b = name_of(peter.ok("start", "web", cwd=two).stdout)
    killed = peter.kill_agent()
    sessions = peter.json("status", cwd=one)["here"]["sessions"]
    assert {s["tunnel"]["state"] for s in sessions} == {"stopped"}
    peter.ok("start", cwd=one)
    assert peter.agent_pid() not in (None, killed)
    assert backend_of(edge, a) == "local"
    wait_until(lambda: edge.get(f"web.{b}.{ZONE}").status == 200, "the other session, too")
    assert backend_of(edge, b) == "local"


def test_an_agent_that_does_not_answer_is_replaced(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    stopped = peter.kill_agent(signal.SIGSTOP)
    r = peter.ok("start", cwd=folder)
    assert "does not answer" in r.stderr and peter.agent_pid() not in (None, stopped)
    assert backend_of(edge, name) == "local"


def test_a_socket_that_was_taken_away(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    before = peter.agent_pid()
    peter.socket.unlink()
    peter.ok("start", cwd=folder)
    assert peter.agent_pid() not in (None, before)
    assert backend_of(edge, name) == "local"


class OldAgent(threading.Thread):
    """One of another version, which a new `linkup` finds in the agent's place: all that the two must have in
    common is the greeting and "replace"."""

    def __init__(self, peter):
        super().__init__(daemon=True)
        peter.socket.parent.mkdir(mode=0o700, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(peter.socket))
        self.listener.listen()
        self.socket, self.asked = peter.socket, []
        self.start()

    def run(self):
        while "replace" not in self.asked:
            c = self.listener.accept()[0]
            c.sendall(b'{"agent":"0.0.1","pid":1,"more":true}\n')
            for line in c.makefile():
                self.asked.append(json.loads(line)["do"])
                if self.asked[-1] == "replace":
                    self.socket.unlink()
                    self.listener.close()
                c.sendall(b'{"ok":true}\n')
            c.close()


def test_an_agent_of_another_version_is_replaced(edge, peter, local):
    one, two = peter.project("one", {"web": local.url}), peter.project("two", {"web": local.url})
    a = name_of(peter.ok("start", "web", cwd=one).stdout)
    peter.kill_agent(signal.SIGTERM) # what it held is in its file, as the old version left it
    old = OldAgent(peter)
    r = peter.ok("start", "web", cwd=two)
    assert "0.0.1" in r.stderr and old.asked == ["replace"]
    wait_until(lambda: edge.get(f"web.{a}.{ZONE}").status == 200, "the session of before")
    assert backend_of(edge, a) == backend_of(edge, name_of(r.stdout)) == "local"


def test_what_the_agent_keeps_is_damaged(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    peter.kill_agent()
    (peter.state / "agent.json").write_text("{")
    peter.ok("start", cwd=folder)
    assert backend_of(edge, name) == "local" and "state_damaged" in peter.log()
    assert (peter.state / "agent.json.damaged").read_text() == "{"


def test_who_speaks_to_the_agent_is_bounded(peter, local):
    folder = peter.project("shop", {"web": local.url})
    peter.ok("start", cwd=folder)
    pid = peter.agent_pid()
    with connect_unix(str(peter.socket)) as c:
        assert json.loads(c.recv(65536)) == {"agent": peter.run("--version").stdout.split()[1], "pid": pid}
        c.sendall(b'{"do":"steal"}\nno json\n')
        said = c.makefile()
        assert ["error" in json.loads(said.readline()) for _ in range(2)] == [True, True]
        try:
            c.sendall(b"x" * (1 << 20))
        except OSError:
            pass # it was closed before it had all
        assert read_to_end(c)[0] == b""
    assert peter.agent_pid() == pid


def test_a_session_that_was_ended_meanwhile_is_made_again(edge, peter, local):
    """The agent's other session keeps its tunnel up, so that nothing tells it."""
    one, two = peter.project("one", {"web": local.url}), peter.project("two", {"web": local.url})
    a = name_of(peter.ok("start", "web", cwd=one).stdout)
    peter.ok("start", "web", cwd=two)
    edge.end_session(a)
    assert edge.get(f"web.{a}.{ZONE}").status == 404
    r = peter.run("route", "remote", "web", cwd=one)
    assert r.returncode == 5 and "linkup start" in r.stderr
    peter.ok("start", cwd=one)
    assert backend_of(edge, a) == "local"


def test_env_files(peter, local):
    folder = peter.project("shop", [{"name": "web", "local": local.url, "directory": "web"}])
    (folder / "web").mkdir()
    (folder / "web/.env.local.linkup").write_text("API=https://api\n")
    (folder / "web/.env.local").write_text("A=1\n")
    peter.ok("start", cwd=folder)
    peter.ok("start", cwd=folder)
    assert (folder / "web/.env.local").read_text().count("API=") == 1
    peter.ok("stop", cwd=folder)
    assert (folder / "web/.env.local").read_text() == "A=1\n"


def test_a_project_of_linkups_own_shape(edge, peter, local):
    with Backend("remote") as remote:
        local.on("/bar/x", reply(200, body=b"rewritten"))
        folder = peter.project(
            "shop", [{"name": "web", "remote": remote.url, "local": local.url,
                      "rewrites": [{"source": "/foo/(.*)", "target": "/bar/$1"}],
                      "health": {"path": "/healthz", "statuses": [200, 204]}},
                     {"name": "backend", "remote": remote.url, "local": f"http://localhost:{free_port()}"}],
            [{"domain": "dev-domain.test", "default_service": "web",
              "routes": [{"path": "/api/v1/.*", "service": "backend"}]}],
            edge_url=None, token=None, worker_url=peter.url, worker_token=peter.token,
            cache_routes=[".*/_next/static/.*"])
        name = name_of(peter.ok("start", cwd=folder).stdout)
        session = edge.api("GET", f"/v1/sessions/{name}").json()
        assert session["cache_routes"] == [".*/_next/static/.*"]
        assert [d["domain"] for d in session["domains"]] == ["dev-domain.test"]
        assert backend_of(edge, name) == backend_of(edge, name, "backend") == "remote"
        peter.ok("route", "local", "web", cwd=folder)
        assert edge.get(f"web.{name}.{ZONE}", "/foo/x").body == b"rewritten"
        peter.ok("route", "remote", "web", cwd=folder)
        assert edge.get(f"web.{name}.{ZONE}", "/foo/x").json()["target"] == "/bar/x"


def test_secrets_stay_secret(edge, peter, local):
    folder = peter.project("shop", {"web": local.url}, token=None)
    token = peter.token
    env = {"LINKUP_TOKEN": token}
    name = name_of(peter.ok("start", "web", cwd=folder, env=env).stdout)
    pid = peter.agent_pid()
    assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert token.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert token not in peter.log()
    for path in [peter.state, peter.runtime / "linkup"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        for file in path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert "agent.json" in os.listdir(peter.state) and "sessions.json" in os.listdir(peter.state)
    assert token not in (peter.state / "sessions.json").read_text()
    assert token not in peter.run("status", "--json", cwd=folder, env=env).stdout
    assert backend_of(edge, name) == "local"


def test_a_port_where_nobody_listens_is_a_warning(edge, peter):
    folder = peter.project("shop", {"web": f"http://localhost:{free_port()}"})
    r = peter.ok("start", "web", cwd=folder)
    assert "warning: web does not answer" in r.stderr
    assert edge.get(f"web.{name_of(r.stdout)}.{ZONE}").status == 502


def test_another_owners_session(edge, peter, local):
    edge.session("taken")
    folder = peter.project("shop", {"web": local.url})
    r = peter.run("start", "--session", "taken", cwd=folder)
    assert r.returncode == 5 and "--session NAME" in r.stderr
    assert peter.agent_pid() is None
    assert "taken" not in (peter.state / "sessions.json").read_text()
    r = peter.run("http", str(local.port), "--service", "web", "--session", "taken",
                  env={"LINKUP_EDGE": peter.url, "LINKUP_TOKEN": peter.token})
    assert r.returncode == 4 and "taken" not in (peter.state / "sessions.json").read_text()
    edge.end_session("taken")


def test_what_is_missing_is_said(edge, peter, local):
    r = peter.run("start")
    assert r.returncode == 1 and "no linkup.yaml" in r.stderr and "linkup http" in r.stderr
    folder = peter.project("shop", {"web": local.url}, token=None)
    r = peter.run("start", cwd=folder)
    assert r.returncode == 4 and "linkup login --edge" in r.stderr
    r = peter.run("start", "wbe", cwd=folder, env={"LINKUP_TOKEN": peter.token})
    assert r.returncode == 1 and "did you mean web?" in r.stderr
    r = peter.run("route", "local", "web", cwd=folder, env={"LINKUP_TOKEN": peter.token})
    assert r.returncode == 5 and "linkup start" in r.stderr
    r = peter.run("start", cwd=folder, env={"LINKUP_TOKEN": "lk_wrong"})
    assert r.returncode == 4
    r = peter.run("start", cwd=folder, env={"LINKUP_TOKEN": peter.token, "LINKUP_EDGE": f"unix:{edge.admin}"})
    assert r.returncode == 2 and "over TLS" in r.stderr
    r = peter.run("start", cwd=folder, env={"LINKUP_TOKEN": peter.token, "LINKUP_CONNECT": f"127.0.0.1:{free_port()}"})
    assert r.returncode == 3
    (folder / "linkup.yaml").write_text("linkup: 1\n")
    r = peter.run("start", cwd=folder)
    assert r.returncode == 1 and "linkup.yaml:1" in r.stderr


def test_an_agent_that_cannot_start_says_why(peter, local):
    folder = peter.project("shop", {"web": local.url})
    (peter.runtime / "linkup").mkdir(mode=0o700)
    (peter.runtime / "linkup/agent.sock").write_text("no socket")
    r = peter.run("start", cwd=folder)
    assert r.returncode == 1
    assert "did not start" in r.stderr and "cannot_listen" in r.stderr and "agent.log" in r.stderr


def test_stop_without_an_edge_cleans_up_here(peter, local):
    folder = peter.project("shop", {"web": local.url})
    peter.ok("start", "web", cwd=folder)
    r = peter.run("stop", cwd=folder, env={"LINKUP_CONNECT": f"127.0.0.1:{free_port()}"})
    assert r.returncode == 3 and "sessions rm" in r.stderr
    peter.await_no_agent()
    assert peter.json("status", cwd=folder)["here"]["sessions"] == []


def test_a_damaged_project_can_be_stopped(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    (folder / "linkup.yaml").write_text("linkup: 1\n")
    peter.ok("stop", cwd=folder, env={"LINKUP_TOKEN": peter.token})
    assert edge.api("GET", f"/v1/sessions/{name}").status == 404
    peter.await_no_agent()


# --- http

def test_http_without_a_project(edge, peter, local):
    env = {"LINKUP_EDGE": peter.url, "LINKUP_TOKEN": peter.token}
    r = peter.ok("http", str(local.port), "--service", "web", env=env)
    name = name_of(r.stdout)
    assert r.stdout == f"https://web.{name}.{ZONE}:{edge.https}\n" and f"stop --session {name}" in r.stderr
    assert backend_of(edge, name) == "local" and backend_of(edge, name, "api") == "shared"
    with Backend("other") as other: # another port of the same session; one that nobody else has
        peter.ok("http", other.url, "--service", "mine", env=env)
        assert (backend_of(edge, name), backend_of(edge, name, "mine")) == ("local", "other")
        peter.ok("route", "remote", "mine", "--session", name, env=env)
        assert edge.get(f"mine.{name}.{ZONE}").status == 404
    peter.ok("stop", "--session", name, env=env)
    peter.await_no_agent()
    assert name_of(peter.ok("http", str(local.port), "--service", "web", env=env).stdout) == name
    assert list(edge.api("GET", f"/v1/sessions/{name}").json()["services"]) == ["web"]


def test_http_into_a_session(edge, peter, local):
    env = {"LINKUP_EDGE": peter.url, "LINKUP_TOKEN": peter.token}
    folder = peter.project("shop", {"web": f"http://localhost:{free_port()}"})
    name = name_of(peter.ok("start", cwd=folder).stdout)
    peter.ok("http", str(local.port), "--service", "web", "--session", name, env=env)
    assert backend_of(edge, name) == "local"
    peter.ok("http", str(local.port), "--service", "web", "--session", "named", env=env)
    assert backend_of(edge, "named") == "local"


@pytest.mark.parametrize("args, code", [(["http", "3000"], 2), (["http", "0", "--service", "web"], 1),
                                        (["http", "ftp://x", "--service", "web"], 1),
                                        (["http", "3000", "--service", "W"], 1)])
def test_http_that_is_wrong(peter, args, code):
    assert peter.run(*args).returncode == code


# --- status, and the view in the foreground

def test_status_tells_place_and_health(edge, peter, local):
    local.on("/healthz", reply(204))
    local.on("/bad", reply(500))
    port = free_port()
    folder = peter.project("shop", [
        {"name": "web", "local": local.url, "health": {"path": "/healthz", "statuses": [204]}},
        {"name": "api", "local": local.url, "remote": local.url, "health": {"path": "/bad"}},
        {"name": "gone", "local": f"http://localhost:{port}"}, {"name": "auth", "local": local.url,
                                                                "remote": local.url}])
    name = name_of(peter.ok("start", "web", "gone", cwd=folder).stdout)
    services = {s["service"]: s for s in peter.json("status", cwd=folder)["here"]["sessions"][0]["services"]}
    assert {n: (s["place"], s["health"], s["why"]) for n, s in services.items()} == {
        "web": ("local", "up", ""), "gone": ("local", "down", "nobody listens there"),
        "api": ("remote", "down", "status 500"), "auth": ("remote", "up", "")}
    lines = [line.split("\t") for line in peter.ok("status", cwd=folder).stdout.splitlines()]
    assert [name, "web", "local", "up", f"https://web.{name}.{ZONE}:{edge.https}", local.url] in lines
    assert len(lines) == 4
    assert "version\t" in peter.ok("status", "--all", cwd=folder).stdout


def test_status_on_a_terminal(peter, local):
    folder = peter.project("shop", {"web": local.url})
    name = name_of(peter.ok("start", "web", cwd=folder).stdout)
    code, shown = run_on_terminal([LINKUP, "status", "-c", str(folder / "linkup.yaml")],
                                  peter.environment(), "", 200)
    assert code == 0
    first, heading, web = shown.splitlines()[:3]
    assert first.startswith(f"\x1b[1m{name}\x1b[0m  \x1b[32mup for ")
    assert "SERVICE" in heading and "HEALTH" in heading
    assert re.search(rf"^web +https://web\.{name}\S+ +local +{local.url} +\x1b\[32mup\x1b\[0m", web)
    code, shown = run_on_terminal([LINKUP, "start", "-c", str(folder / "linkup.yaml")],
                                  peter.environment(NO_COLOR="1"), "", 200)
    assert code == 0 and "\x1b" not in shown and f"session {name} is up" in shown


def test_foreground(edge, peter, local):
    folder = peter.project("shop", {"web": local.url})
    p = peter.spawn("start", "web", "--foreground", cwd=folder)
    name = name_of(p.stdout.readline())
    read_until(p, lambda line: line == f"{name}\tup\t\n")
    assert backend_of(edge, name) == "local"
    killed = peter.kill_agent()
    read_until(p, lambda line: line == f"{name}\tup\t\n")
    assert peter.agent_pid() != killed and backend_of(edge, name) == "local"
    p.send_signal(signal.SIGINT)
    p.communicate()
    assert p.returncode == 0
    assert edge.api("GET", f"/v1/sessions/{name}").status == 404
    peter.await_no_agent()


def test_watch_tells_changes(peter, local):
    folder = peter.project("shop", {"web": local.url})
    assert peter.run("status", "--watch", cwd=folder).returncode == 5
    name = name_of(peter.ok("start", cwd=folder).stdout)
    p = peter.spawn("status", "--watch", "--json", cwd=folder)
    first = json.loads(p.stdout.readline())
    assert first["sessions"][0]["services"][0]["place"] == "shared"
    done = threading.Thread(target=lambda: peter.ok("route", "local", "web", cwd=folder))
    done.start()
    read_until(p, lambda line: json.loads(line)["sessions"][0]["services"][0]["place"] == "local")
    done.join()
    peter.ok("stop", cwd=folder)
    p.communicate()
    assert p.returncode == 5 and name
