"""linkup doctor follows a request through a session: services that hand its context on, and those that do
not, behind a real edge."""

import json
import secrets

import pytest

from support.backend import Backend, reply
from support.edge import ZONE, Edge
from support.net import PATIENCE
from test_cli_real import Real


def span(request):
    """The next span of REQUEST's trace, as tracing libraries make it."""
    version, trace, _, flags = request.get("traceparent").split("-")
    return f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"


def copied(request, *names):
    return [(n, request.get(n)) for n in names if request.get(n)]


WAYS = {
    "all": lambda r: [("traceparent", span(r)), *copied(r, "tracestate", "baggage")],
    "verbatim": lambda r: copied(r, "traceparent", "tracestate", "baggage", "x-request-id"),
    "tracestate": lambda r: [("traceparent", span(r)), *copied(r, "tracestate")],
    "traceparent": lambda r: [("traceparent", span(r))],
    "traceparent-verbatim": lambda r: copied(r, "traceparent"),
    "request-id": lambda r: copied(r, "x-request-id"),
    "referer": lambda r: [*copied(r, "x-request-id"), ("referer", f"https://web.peter.{ZONE}/")],
    "session-host": lambda r: copied(r, "traceparent"),
    "nothing": lambda r: [],
}


class Service(Backend):
    """Calls others, through the edge and one after the other, in the course of its answer."""

    def __init__(self, name):
        super().__init__(name)
        self.edge, self.way, self.calls, self.status = None, "all", [], 200
        self.on("/", self.serve).on("/cart", self.serve)

    def serve(self, _, request):
        fields = WAYS[self.way](request)
        for service in self.calls:
            label = f"{service}.peter" if self.way == "session-host" else service
            self.edge.get(f"{label}.{ZONE}", "/", fields)
        return reply(self.status, [], b"done")


@pytest.fixture(name="system", scope="module")
def fixture_system():
    names = ("web", "api", "auth", "own")
    services = {name: Service(name) for name in names}
    config = {"services": [{"name": n, "url": services[n].url} for n in names[:3]],
              "domains": [{"domain": ZONE, "default_service": "web"}]}
    with Edge(config) as edge:
        for s in services.values():
            s.edge = edge
        edge.session("peter", {"auth": services["own"].url})
        yield edge, services
    for s in services.values():
        s.close()


@pytest.fixture(name="edge")
def fixture_edge(system):
    return system[0]


@pytest.fixture(name="services")
def fixture_services(system):
    for s in system[1].values():
        s.way, s.calls, s.status = "all", [], 200
        s.forget()
    return system[1]


@pytest.fixture(name="real")
def fixture_real(edge, tmp_path):
    real = Real(edge, tmp_path)
    real.env = {"LINKUP_EDGE": real.url, "LINKUP_CONNECT": real.connect,
                "LINKUP_CA": str(edge.ca_file), "LINKUP_TOKEN_FILE": str(real.token_file)}
    return real


def context(real, *args, env=None):
    """What is found of the context: [(verdict, text)], and the advice."""
    resolver = ("--dns", f"127.0.0.1:{real.edge.dns4}", "--resolver", f"127.0.0.1:{real.edge.dns4}")
    r = real.run("doctor", "--json", *resolver, *args, env={**real.env, **(env or {})})
    checks = [c for c in json.loads(r.stdout)["checks"] if c["check"] == "context"]
    return [(c["verdict"], c["text"]) for c in checks], [c["advice"] for c in checks if c["advice"]]


def test_all_hand_it_on(real, services):
    """By baggage, by tracestate, and by copies of everything; each knows whose call it is."""
    services["web"].calls, services["api"].calls = ["api", "auth"], ["auth"]
    services["api"].way = "tracestate"
    found, advice = context(real, "--session", "peter")
    assert found == [
        ("ok", f"asked for https://web.peter.{ZONE}:{real.edge.https}"),
        ("ok", "web received the context, and answered 200"),
        ("ok", "web -> api: in the session, by baggage"),
        ("ok", "api -> auth: in the session, by tracestate"),
        ("ok", "web -> auth: in the session, by baggage"),
        ("unchecked", "no calls were seen of auth")]
    assert len(advice) == 1 and "neither can be seen here" in advice[0]
    assert len(services["own"].seen()) == 2 and not services["auth"].seen()


def test_one_drops_baggage_but_keeps_traceparent(real, services):
    services["web"].calls = ["api"]
    services["api"].calls, services["api"].way = ["auth", "auth"], "traceparent"
    found, advice = context(real, f"https://web.peter.{ZONE}:{real.edge.https}/cart")
    assert found[2:] == [
        ("ok", "web -> api: in the session, by baggage"),
        # Its span is its own, and both were busy: the inner one it was, most likely.
        ("wrong", "api (perhaps) -> auth, 2 times: without the session's context; the shared copy answered, "
                  "not the session's own")]
    assert "api passes traceparent on, but neither baggage nor tracestate" in advice[0]
    assert "OTEL_PROPAGATORS=tracecontext,baggage" in advice[0]
    assert services["auth"].seen() and not services["own"].seen()
    assert services["web"].last.path == "/cart"


def test_calls_one_after_the_other(real, services):
    """What has been answered calls nobody any more: whose calls they are is sure."""
    services["web"].calls, services["web"].way = ["api", "auth"] * 10, "traceparent"
    found, _ = context(real, "--session", "peter")
    assert found[2:] == [
        ("wrong", "web -> api, 10 times: without the session's context; the shared copy, as it happens, is "
                  "right"),
        ("wrong", "web -> auth, 10 times: without the session's context; the shared copy answered, not the "
                  "session's own")]


def test_one_that_copies_traceparent_is_known(real, services):
    services["web"].calls = ["api"]
    services["api"].calls, services["api"].way = ["auth"], "traceparent-verbatim"
    found, _ = context(real, "--session", "peter")
    assert found[3] == ("wrong", "api -> auth: without the session's context; the shared copy answered, "
                                 "not the session's own")


def test_lost_at_the_first(real, services):
    """What is called behind it is outside for no fault of its own."""
    services["web"].calls, services["web"].way = ["api"], "request-id"
    services["api"].calls, services["api"].way = ["auth"], "verbatim"
    found, advice = context(real, "--session", "peter")
    assert found[2:] == [
        ("wrong", "web -> api: without the session's context; the shared copy, as it happens, is right"),
        ("unchecked", "api -> auth: outside the session, as api was called")]
    assert len(advice) == 1 and "web passes x-request-id on, and nothing else" in advice[0]


def test_one_drops_everything(real, services):
    """It cannot be told from one that calls nobody, and nobody is accused."""
    services["web"].calls = ["api"]
    services["api"].calls, services["api"].way = ["auth"], "nothing"
    found, advice = context(real, "--session", "peter")
    assert found[2:] == [("ok", "web -> api: in the session, by baggage"),
                         ("unchecked", "no calls were seen of api")]
    assert "baggage, tracestate, traceparent and x-request-id" in advice[0]
    assert services["auth"].seen()


def test_by_referer_only(real, services):
    services["web"].calls, services["web"].way = ["auth"], "referer"
    found, advice = context(real, "--session", "peter")
    assert found[2] == ("doubtful", "web -> auth: in the session, by referer only")
    assert "web passes x-request-id on" in advice[0]


def test_by_a_host_of_the_session(real, services):
    services["web"].calls, services["web"].way = ["auth"], "session-host"
    found, _ = context(real, "--session", "peter")
    assert found[2] == ("ok", "web -> auth: in the session, by its host")


def test_a_shared_url_with_the_context_in_baggage(real, services):
    services["web"].calls = ["auth"]
    found, _ = context(real, f"https://{ZONE}:{real.edge.https}/", "--session", "peter", "-H", "cookie: id=7")
    assert found[2] == ("ok", "web -> auth: in the session, by baggage")
    assert services["web"].last.get("cookie") == "id=7"
    assert "linkup-session=peter" in services["web"].last.get("baggage")


def test_an_error_is_told(real, services):
    services["web"].status = 404
    found, advice = context(real, "--session", "peter")
    assert found[1] == ("doubtful", "web received the context, and answered 404")
    assert "give a URL that works" in advice[0]


def test_over_the_admin_socket(real, services):
    services["web"].calls = ["auth"]
    env = {**{k: None for k in real.env}, **real.here(), "LINKUP_CONNECT": real.connect}
    found, _ = context(real, "--session", "peter", env=env)
    assert found[2] == ("ok", "web -> auth: in the session, by baggage")


@pytest.mark.parametrize("args, verdict, words", [
    ((), "unchecked", "--session NAME"),
    (("--session", "nobody"), "wrong", 'no session "nobody"'),
    ((f"https://web.nobody.{ZONE}/",), "wrong", 'no session "nobody"'),
    ((f"web.{ZONE}",), "unchecked", "names no session"),
    (("https://elsewhere.test/",), "wrong", "no host of a service"),
    ((f"https://edge.{ZONE}/",), "wrong", "no host of a service"),
    ((f"https://web.peter.{ZONE}/", "--session", "mary"), "wrong", 'not "mary"'),
    (("--session", "peter", "-H", "nothing"), "wrong", "NAME: VALUE"),
    (("https://",), "wrong", "host"),
])
def test_what_cannot_be_asked(real, services, args, verdict, words):
    found, _ = context(real, *args)
    assert found[0][0] == verdict and words in found[0][1], found
    assert not services["web"].seen()


def test_another_owners_session(real, edge, tmp_path):
    token = tmp_path / "other.token"
    token.write_text(edge.token("session", "other") + "\n")
    found, _ = context(real, "--session", "peter", env={"LINKUP_TOKEN_FILE": str(token)})
    assert found == [("wrong", 'The session "peter" is another\'s.')]


def test_as_people_see_it(real, services):
    services["web"].calls, services["web"].way = ["auth"], "traceparent"
    r = real.run("doctor", "--session", "peter", env=real.env)
    lines = [line.split("\t") for line in r.stdout.splitlines()]
    assert r.returncode == 1
    assert ["context", "wrong", "web -> auth: without the session's context; the shared copy answered, not "
                                "the session's own"] in lines
    assert "  context: web passes traceparent on" in r.stderr
    code, text = real.terminal("doctor", "--session", "peter", env=real.env)
    print(text)
    assert code == 1 and "\n  context  " in text.replace("\r", "").replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_watch_is_gone_after_it(real, edge, services):
    """Nothing is left behind: four a token would be all."""
    for _ in range(5):
        found, _ = context(real, "--session", "peter")
        assert found[0][0] == "ok"
    at, line = edge.wait_log("watch_begun", PATIENCE)
    assert at >= 0 and line["session"] == "peter"


def test_many_requests_of_one_trace(edge, services):
    """Both workers, and both versions of HTTP."""
    token = edge.admin_token
    watch = edge.api("POST", "/v1/watches", {"session": "peter"}, token=token)
    assert watch.status == 201
    trace = watch.json()["trace_id"]
    fields = [("traceparent", f"00-{trace}-{secrets.token_hex(8)}-01")]
    for i in range(40):
        get = edge.get if i % 2 else edge.get2
        assert get(f"api.peter.{ZONE}", "/", fields).status == 200
    assert edge.get(f"api.peter.{ZONE}", "/").status == 200
    seen = edge.api("DELETE", f"/v1/watches/{trace}", token=token).json()
    assert seen["missed"] == 0 and len(seen["sightings"]) == 40
    began = [s["began_us"] for s in seen["sightings"]]
    assert began == sorted(began) and began[0] == 0
    assert all(s["service"] == "api" and s["session"] == "peter" and s["from"] == "host"
               and s["backend"] == "shared" and s["carried"] == ["traceparent"] for s in seen["sightings"])
    assert len({s["hop"] for s in seen["sightings"]}) == 40
