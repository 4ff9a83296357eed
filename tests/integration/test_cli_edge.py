"""linkup against an edge: sessions, previews, tokens, status, exit codes, ways to reach it."""

import json
import os
import re
import signal
import socket
import stat

import pytest

from cli_edge import LINKUP, ZONE, Fixture, interrupted_at_prompt, problem


@pytest.fixture(name="f")
def fixture_f(tmp_path):
    fixture = Fixture(tmp_path)
    yield fixture
    fixture.close()


def ok(r):
    assert r.returncode == 0, r.stderr
    return r.stdout


# Sessions

def test_create_prints_one_url_a_line(f):
    r = f.run("sessions", "create", "peter", "web=http://10.1.2.3:3000", "api=tunnel", "--ttl", "2d",
              "--pin", "--preserve-host", "--owner", "mary")
    assert ok(r) == f"https://web.peter.{ZONE}\nhttps://api.peter.{ZONE}\n"
    assert "session peter" in r.stderr
    assert json.loads(f.edge.seen[-1]["body"]) == {
        "name": "peter", "ttl": "2d", "pinned": True, "owner": "mary",
        "services": {"web": {"url": "http://10.1.2.3:3000", "host": "preserve"},
                     "api": {"tunnel": True}}}
    assert f.edge.seen[-1]["fields"]["content-type"] == "application/json"


def test_create_without_a_name(f):
    assert ok(f.run("sessions", "create", "web=http://a")) == f"https://web.slim-gecko.{ZONE}\n"
    assert "name" not in json.loads(f.edge.seen[-1]["body"])


def test_create_from_a_file_and_the_words_go_before_it(f, tmp_path):
    body = {"name": "x", "services": {"web": {"url": "http://a"}, "old": {"url": "http://o"}},
            "domains": [{"domain": "d.example.com", "default_service": "web"}]}
    (tmp_path / "s.json").write_text(json.dumps(body))
    ok(f.run("sessions", "create", "peter", "web=http://b", "--from", str(tmp_path / "s.json")))
    body["name"], body["services"]["web"] = "peter", {"url": "http://b"}
    assert json.loads(f.edge.seen[-1]["body"]) == body
    ok(f.run("sessions", "create", "paul", "--from", "-", input=json.dumps(body)))
    r = f.run("sessions", "create", "--from", "-", input='{"name": ')
    assert r.returncode == 1
    assert "--from -: line 1" in r.stderr


def test_list_turns_the_pages(f):
    for name in ("ann", "bob", "cleo", "dan", "eve"):
        f.edge.add(name)
    lines = ok(f.run("sessions", "ls")).splitlines()
    assert [line.split("\t")[0] for line in lines] == ["ann", "bob", "cleo", "dan", "eve"]
    assert lines[0].split("\t")[1:] == ["peter", "web", "2099-01-01T00:00:00.000Z"]
    assert len(json.loads(ok(f.run("sessions", "ls", "--json")))["sessions"]) == 5
    assert ok(f.run("sessions", "list")) == ok(f.run("sessions", "ls"))


def test_list_of_none(f):
    r = f.run("sessions", "ls")
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")


def test_show(f):
    f.edge.add("peter")
    out = ok(f.run("sessions", "show", "peter"))
    assert "name\tpeter\n" in out
    assert f"service\tweb\thttps://web.peter.{ZONE}\thttp://10.1.2.3:3000\n" in out
    assert json.loads(ok(f.run("--json", "sessions", "show", "peter"))) == f.edge.sessions["peter"]


def test_set_changes_and_takes_away(f):
    f.edge.add("peter")
    r = f.run("sessions", "set", "peter", "web=shared", "api=http://b:1", "--no-pin")
    assert ok(r) == f"https://api.peter.{ZONE}\n"
    assert f.edge.seen[-1]["call"] == "PATCH /v1/sessions/peter"
    assert json.loads(f.edge.seen[-1]["body"]) == {
        "services": {"web": None, "api": {"url": "http://b:1"}}, "pinned": False}


def test_extend(f):
    f.edge.add("peter")
    assert ok(f.run("sessions", "extend", "peter", "--ttl", "14d")) == "2099-01-01T00:00:00.000Z\n"
    assert json.loads(f.edge.seen[-1]["body"]) == {"ttl": "14d"}


def test_rm_of_several_tells_the_first_failure(f):
    f.edge.add("ann")
    f.edge.add("cleo")
    r = f.run("sessions", "rm", "ann", "bob", "cleo")
    assert (r.returncode, r.stdout) == (5, "")
    assert f.edge.sessions == {}
    assert "session ann ended" in r.stderr
    assert "there is no session bob (404)" in r.stderr
    f.edge.add("ann")
    assert json.loads(ok(f.run("sessions", "rm", "ann", "--json"))) == {"ended": ["ann"]}


def test_preview_may_be_repeated(f):
    first = ok(f.run("preview", "pr-12", "web=http://a"))
    assert f.edge.seen[-1]["call"] == "PUT /v1/sessions/pr-12"
    assert ok(f.run("preview", "pr-12", "web=http://b")) == first
    ok(f.run("preview", "web=http://a"))
    assert f.edge.seen[-1]["call"] == "POST /v1/sessions"


def test_print_request_calls_nobody(f):
    r = f.run("preview", "web=http://a", "--print-request")
    assert ok(r) == '{"services":{"web":{"url":"http://a"}}}\n'
    assert f.edge.seen == []


# Other commands

def test_status(f):
    out = ok(f.run("status"))
    assert "version\t9.9\n" in out
    assert "certificates.held\t3\n" in out
    assert f"web\thttps://web.{ZONE}\thttp://shared-web:3000\t-\n" in out
    both = json.loads(ok(f.run("status", "--json")))
    assert both["version"] == "9.9"
    assert both["services"][0]["name"] == "web"


def test_explain_sends_url_and_headers(f):
    f.edge.script["POST /v1/explain"] = (200, {"outcome": "backend"}, None)
    ok(f.run("explain", "web.peter.linkup.test/x", "-H", "Baggage: a=b", "--header=baggage:c=d",
             "-H", "baggage: e=f", "-H", "Referer: https://x/"))
    assert json.loads(f.edge.seen[-1]["body"]) == {
        "url": "https://web.peter.linkup.test/x",
        "headers": {"baggage": ["a=b", "c=d", "e=f"], "referer": "https://x/"}}


EXPLAINED = {
    "outcome": "backend", "session": "peter", "service": "api", "rule": "host api.peter, override",
    "backend": "session", "status": None,
    "rules": [
        {"rule": "session", "host": "web.peter.linkup.test", "from": "host", "session": "peter", "live": True,
         "context": {"baggage": "paul", "tracestate": None, "referer": None, "origin": None}},
        {"rule": "service", "path": "/api/x", "from": "route", "service": "api", "domain": "web.linkup.test",
         "route": "^/api/"},
        {"rule": "backend", "override": True, "shared": True, "from": "session", "url": "http://10.1.2.3"},
        {"rule": "path", "path": "/x"},
        {"rule": "later", "says": "what a newer edge says"}]}


def test_explain_in_words(f):
    f.edge.script["POST /v1/explain"] = (200, EXPLAINED, None)
    assert ok(f.run("explain", "https://web.peter.linkup.test/api/x")).splitlines() == [
        "outcome\tgoes to the session's own \"api\"",
        "rule\thost api.peter, override",
        "session\t\"peter\", by the host web.peter.linkup.test; not asked: baggage names \"paul\"",
        "service\t\"api\", by the route ^/api/ of web.linkup.test, for the path /api/x",
        "backend\thttp://10.1.2.3, the session's override",
        "path\t/x",
        "later\twhat a newer edge says"]
    code, shown = f.terminal("explain", "https://web.peter.linkup.test/api/x", env={**f.here(), "NO_COLOR": "1"})
    assert code == 0
    assert "session  \"peter\"" in shown
    assert json.loads(ok(f.run("explain", "x", "--json"))) == EXPLAINED


@pytest.mark.parametrize("outcome, rule, says", [
    ("unknown-host", {}, "404: the host is neither a service, a session's nor a domain of this edge"),
    ("unknown-session", {"from": "host", "session": "gone", "live": False},
     "404: there is no session \"gone\", and the shared copy never answers for one"),
    ("unknown-service", {}, "404: there is no service \"api\""),
    ("session-required", {}, "422: this edge asks for a session, and nothing names one that lives"),
    ("edge", {}, "goes to the edge itself"),
    ("tunnel", {}, "goes through its owner's tunnel to \"api\""),
    ("newer", {}, "newer")])
def test_explain_of_what_leads_nowhere(f, outcome, rule, says):
    session = {"rule": "session", "host": "h", "from": "none", "session": None, "live": False,
               "context": {"baggage": "dead", "referer": "x.y"}, **rule}
    f.edge.script["POST /v1/explain"] = (200, {"outcome": outcome, "session": session["session"],
                                               "service": "api", "rule": "r", "backend": None,
                                               "status": 404, "rules": [session]}, None)
    lines = ok(f.run("explain", "x")).splitlines()
    assert lines[0] == f"outcome\t{says}"
    if not rule:
        assert lines[2] == "session\tnone: not the host h; baggage names \"dead\"; referer names \"x.y\""


def test_tokens(f):
    admin = f.here("admin-token")
    r = f.run("token", "create", "--scope", "session", "--name", "ci", env=admin)
    assert ok(r) == "lk_secret\n"
    assert "lk_secret" not in r.stderr
    assert "def456\tci\tsession\t2026-01-02T00:00:00.000Z\n" in ok(f.run("token", "ls", env=admin))
    assert "lk_secret" not in f.run("token", "ls", "--json", env=admin).stdout
    ok(f.run("token", "rm", "def456", env=admin))
    assert f.run("token", "rm", "def456", env=admin).returncode == 5
    assert f.run("token", "ls").returncode == 4


# Exit codes

@pytest.mark.parametrize("status, code", [
    (400, 1), (413, 1), (415, 1), (422, 1), (405, 1), (401, 4), (403, 4), (404, 5), (409, 5), (412, 5),
    (429, 3), (500, 3), (502, 3), (503, 3), (301, 3)])
def test_status_to_exit_code(f, status, code):
    f.edge.script["GET /v1/sessions"] = problem(status, "Title", "What to do.", "services.web.url")
    r = f.run("sessions", "ls")
    assert (r.returncode, r.stdout) == (code, "")
    assert f"services.web.url: What to do. ({status})" in r.stderr


def test_refused_says_how_to_give_a_token(f):
    r = f.run("sessions", "ls", env=f.here(token=None))
    assert r.returncode == 4
    assert "linkup login" in r.stderr
    assert f.run("sessions", "create", "web=http://a", env=f.here("read-token")).returncode == 4


def test_conflict_and_precondition(f):
    f.edge.add("peter")
    r = f.run("sessions", "create", "peter", "web=http://a")
    assert r.returncode == 5
    assert "name: there is a session peter already (409)" in r.stderr
    r = f.run("sessions", "set", "peter", "--pin", "--if-match", '"7"')
    assert r.returncode == 5
    assert "meanwhile" in r.stderr
    ok(f.run("sessions", "set", "peter", "--pin", "--if-match", '"1"'))


@pytest.mark.parametrize("answer", [
    (200, "<html>a router's login</html>", "text/html"),
    (200, '{"no": "list"}', "application/json"),
    (404, "not here", "text/plain"),
    (502, "", "text/plain")])
def test_what_is_no_edge(f, answer):
    f.edge.script["GET /v1/sessions"] = answer
    r = f.run("sessions", "ls")
    assert r.returncode == (5 if answer[0] == 404 else 3)
    assert f.url in r.stderr


def test_nobody_there(f):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{s.getsockname()[1]}"
        r = f.run("--connect", where, "status")
    assert (r.returncode, r.stdout) == (3, "")
    assert "cannot reach" in r.stderr
    assert f.run("--edge", f"unix:{f.folder}/none.sock", "status").returncode == 3
    r = f.run("--edge", "https://edge.does-not-exist.invalid", "status", env={})
    assert r.returncode == 3


def test_silence_ends_at_the_timeout(f):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        r = f.run("--connect", f"127.0.0.1:{s.getsockname()[1]}", "--timeout", "1", "status")
    assert r.returncode == 3
    assert "--timeout" in r.stderr


def test_an_untrusted_certificate(f):
    env = f.here()
    del env["LINKUP_CA"]
    r = f.run("status", env=env)
    assert r.returncode == 3
    assert "linkup login" in r.stderr
    assert all("authorization" not in s["fields"] for s in f.edge.seen)


# Ways to reach it

def test_unix_socket_needs_no_token(f):
    f.edge.add("peter")
    out = ok(f.run("--edge", f"unix:{f.socket}", "sessions", "ls", env={}))
    assert out.startswith("peter\t")
    ok(f.run("token", "ls", env={"LINKUP_EDGE": f"unix:{f.socket}"}))


def test_flags_go_before_the_environment(f):
    ok(f.run("status", env={**f.here(), "LINKUP_TOKEN": "wrong"} | {"LINKUP_TOKEN": "read-token"}))
    assert f.run("--token", "wrong", "status").returncode == 4
    ok(f.run("--token", "read-token", "status", env={**f.here("wrong")}))


def test_token_file(f, tmp_path):
    file = tmp_path / "token"
    file.write_text("session-token\nand a second line\n")
    file.chmod(0o600)
    env = f.here(token=None)
    r = f.run("--token-file", str(file), "status", env=env)
    assert "warning" not in r.stderr
    ok(r)
    ok(f.run("status", env={**env, "LINKUP_TOKEN_FILE": str(file)}))
    ok(f.run("--token-file", "-", "status", env=env, input="session-token\n"))
    # A flag goes before the environment's other way to give one.
    ok(f.run("--token-file", str(file), "status", env={**env, "LINKUP_TOKEN": "wrong"}))
    for mode in (0o640, 0o604):
        file.chmod(mode)
        r = f.run("--token-file", str(file), "status", env=env)
        ok(r)
        assert f"chmod 600 {file}" in r.stderr
    file.write_text("")
    assert f.run("--token-file", str(file), "status", env=env).returncode == 1


def test_secrets_are_not_shown(f):
    f.edge.script["GET /v1/sessions"] = problem(401, "Unauthorized", "no")
    r = f.run("--token", "tell-nobody", "sessions", "ls")
    assert "tell-nobody" not in r.stdout + r.stderr
    r = f.run("--tokn=tell-nobody", "sessions", "ls")
    assert r.returncode == 2
    assert "tell-nobody" not in r.stderr


# Login

def test_login_asks_before_it_trusts(f):
    env = {"LINKUP_CONNECT": f.connect}
    r = f.run("login", "--edge", f.url, "--token", "session-token", env=env)
    assert r.returncode == 3
    assert "nobody is here to say yes" in r.stderr
    assert not f.config.exists()
    code, shown = f.terminal("login", "--edge", f.url, "--token", "session-token", env=env, typed="n\n")
    assert code == 3
    assert "SHA-256" in shown
    assert not f.config.exists()
    # Not before the CA was agreed on was a token sent.
    assert all("authorization" not in s["fields"] for s in f.edge.seen)
    code, shown = f.terminal("login", "--edge", f.url, "--token", "session-token", env=env, typed="y\n")
    assert code == 0, shown
    ok(f.run("status", env={}))


def test_login_keeps_it_to_oneself(f):
    env = {"LINKUP_CONNECT": f.connect}
    r = f.run("login", "--edge", f.url + "/", "--token-file", "-", "--trust-ca", env=env,
              input="session-token\n")
    assert r.stdout == ""
    ok(r)
    assert stat.S_IMODE(f.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(f.config.parent.stat().st_mode) == 0o700
    assert "session-token" not in r.stderr
    ok(f.run("sessions", "create", "a", "web=http://a", env={}))
    f.config.chmod(0o644)
    assert "chmod 600" in f.run("status", env={}).stderr


def test_login_types_the_token_without_echo(f):
    env = {"LINKUP_CONNECT": f.connect, "LINKUP_CA": str(f.ca)}
    code, shown = f.terminal("login", "--edge", f.url, env=env, typed="session-token\n")
    assert code == 0, shown
    assert "session-token" not in shown
    ok(f.run("status", env={}))


def test_login_interrupted_leaves_the_terminal_as_it_was(f):
    env = f.environment(LINKUP_CONNECT=f.connect, LINKUP_CA=str(f.ca))
    code, echoes = interrupted_at_prompt([LINKUP, "login", "--edge", f.url], env)
    assert code == -signal.SIGINT and echoes


def test_login_by_fingerprint(f):
    env = {"LINKUP_CONNECT": f.connect}
    shown = f.run("login", "--edge", f.url, "--token", "session-token", env=env).stderr
    fingerprint = re.search(r"SHA-256 +(\S+)", shown).group(1)
    wrong = "00" + fingerprint[2:]
    assert f.run("login", "--edge", f.url, "--token", "session-token", "--fingerprint", wrong,
                 env=env).returncode == 3
    for form in (fingerprint, "sha256:" + fingerprint.replace(":", "").lower()):
        ok(f.run("login", "--edge", f.url, "--token", "session-token", "--fingerprint", form, env=env))


def test_login_with_a_bad_token_keeps_nothing(f):
    r = f.run("login", "--edge", f.url, "--token", "wrong", "--trust-ca", "--connect", f.connect, env={})
    assert r.returncode == 4
    assert not f.config.exists()
    r = f.run("login", "--edge", f.url, "--trust-ca", "--connect", f.connect, env={})
    assert r.returncode == 2
    assert "--token-file" in r.stderr


def test_login_over_the_socket(f):
    ok(f.run("login", "--edge", f"unix:{f.socket}", env={}))
    ok(f.run("token", "ls", env={}))


def test_a_token_stays_with_its_edge(f):
    ok(f.run("login", "--edge", f.url, "--token", "session-token", "--trust-ca",
             env={"LINKUP_CONNECT": f.connect}))
    f.edge.seen.clear()
    r = f.run("--edge", f"https://edge.other.{ZONE}:{f.port}", "--connect", f.connect, "status", env={})
    assert r.returncode == 3
    r = f.run("--edge", f"unix:{f.socket}", "status", env={})
    ok(r)
    assert all("authorization" not in s["fields"] for s in f.edge.seen)
    # The first edge's login is still there.
    ok(f.run("--edge", f.url, "status", env={}))


def test_login_json_and_xdg(f, tmp_path):
    env = {"LINKUP_CONNECT": f.connect, "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    out = ok(f.run("login", "--edge", f.url, "--token", "session-token", "--trust-ca", "--json", env=env))
    assert json.loads(out) == {"edge": f.url, "token": True, "ca": True}
    assert (tmp_path / "xdg" / "linkup" / "login.json").exists()
    assert not f.config.exists()


def test_a_damaged_login_is_told_and_not_replaced(f):
    f.config.parent.mkdir(parents=True)
    f.config.write_text("{")
    r = f.run("status", env={})
    assert r.returncode == 1
    assert "log in again" in r.stderr
    r = f.run("login", "--edge", f"unix:{f.socket}", env={})
    assert r.returncode == 1
    assert f.config.read_text() == "{"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written(f):
    f.home.chmod(0o500)
    r = f.run("login", "--edge", f"unix:{f.socket}", env={})
    f.home.chmod(0o700)
    assert r.returncode == 1


# Terminals

def test_a_table_on_a_terminal(f):
    f.edge.add("peter")
    f.edge.add("a-much-longer-name", owner="mary")
    code, shown = f.terminal("sessions", "ls")
    assert code == 0
    lines = shown.splitlines()
    assert lines[0].startswith("\x1b[1mNAME") and lines[0].endswith("\x1b[0m")
    assert lines[1].index("mary") == lines[2].rindex("peter") == lines[0].index("OWNER") - 4
    assert "in " in lines[1]


def test_no_color(f):
    f.edge.add("peter")
    for more in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in f.terminal("sessions", "ls", env={**f.here(), **more})[1]
    assert "\x1b" in f.terminal("sessions", "ls", env={**f.here(), "NO_COLOR": ""})[1]


def test_a_narrow_terminal_cuts_but_not_urls(f):
    services = {f"service-{i}": {"url": f"http://backend-{i}.internal.example.com:3000"} for i in range(9)}
    f.edge.add("peter", services=services)
    env = {**f.here(), "NO_COLOR": "1"}
    code, shown = f.terminal("sessions", "ls", env=env, width=60)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 60
    assert ".." in shown
    shown = f.terminal("sessions", "show", "peter", env=env, width=60)[1]
    assert f"https://service-8.peter.{ZONE} " in shown


def test_others_cannot_steer_the_terminal(f):
    f.edge.add("peter", owner="\x1b]0;gotcha\x07\u009b31mé")
    for show in (["sessions", "ls"], ["sessions", "show", "peter"]):
        shown = f.terminal(*show, env={**f.here(), "NO_COLOR": "1"})[1]
        assert "\x1b" not in shown and "\u009b" not in shown and "\x07" not in shown
        assert "é" in shown
    assert "\x1b" not in f.terminal("sessions", "ls", "--json", env={**f.here(), "NO_COLOR": "1"})[1]
    f.edge.sessions["peter"]["owner"] = "a\tb\nc"
    assert ok(f.run("sessions", "ls")).split("\t")[1] == "a b c"


def test_create_on_a_terminal_is_a_table(f):
    code, shown = f.terminal("sessions", "create", "peter", "web=http://a")
    assert code == 0
    assert "SERVICE" in shown
    assert f"https://web.peter.{ZONE}" in shown


def test_json_on_a_terminal_is_indented(f):
    f.edge.add("peter")
    code, shown = f.terminal("sessions", "show", "peter", "--json")
    assert code == 0
    assert json.loads(shown) == f.edge.sessions["peter"]
    assert '\n  "name"' in shown
