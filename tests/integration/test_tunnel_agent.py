"""Tunnels with both ends real: an edge, agents, and services on this machine."""

import signal
import socket
import threading

import pytest

from support.agent import Agent
from support.backend import Backend, reply
from support.backend_h2 import BackendH2
from support.edge import SANITIZED, ZONE, Edge
from support.net import PATIENCE, free_port, wait_until

MIB = 1024 * 1024


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
    with Edge({"workers": 2, "services": [{"name": "web", "url": shared.url},
                                          {"name": "api", "url": shared.url}]}) as e:
        yield e


@pytest.fixture(name="token", scope="module")
def fixture_token(edge):
    return edge.token("session", "peter")


_names = iter(f"t{i}" for i in range(1000))


def made(edge, token, name=None, **services):
    name = name or next(_names)
    services = services or {"web": {"tunnel": True}}
    with edge.h1(f"edge.{ZONE}") as c:
        a = edge.call(c, "PUT", f"/v1/sessions/{name}", {"services": services}, token=token)
    assert a.status in (200, 201), a
    return name


@pytest.fixture(name="session")
def fixture_session(edge, token):
    return made(edge, token)


@pytest.fixture(name="agent")
def fixture_agent(edge, token):
    with Agent(edge, token) as a:
        yield a


def host(session, service="web"):
    return f"{service}.{session}.{ZONE}"


@pytest.mark.parametrize("front", ["h1", "h2"])
def test_a_request_reaches_localhost(edge, agent, local, session, front):
    agent.carry(session, web=f"http://localhost:{local.port}/base")
    get = edge.get if front == "h1" else edge.get2
    for _ in range(8):
        a = get(host(session), "/a?b=c", [("x-mine", "1")], "POST", b"body")
        seen = a.json()
        assert a.status == 200 and seen["backend"] == "local" and seen["body"] == "body"
        assert seen["target"] == "/base/a?b=c"
        fields = dict(map(tuple, seen["fields"]))
        assert fields["host"] == f"localhost:{local.port}"
        assert fields["x-forwarded-host"].startswith(host(session))
        assert fields["x-mine"] == "1"
        assert not any(n.startswith("linkup-") for n in fields)


def test_a_backend_that_listens_on_one_loopback_address_only(edge, agent, session):
    s6 = socket.socket(socket.AF_INET6)
    s6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s6.bind(("::1", 0))
    s6.listen(5)
    port = s6.getsockname()[1]

    def serve():
        c, _ = s6.accept()
        c.recv(65536)
        c.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nsix")
        c.close()
    threading.Thread(target=serve, daemon=True).start()
    agent.carry(session, web=f"http://localhost:{port}")
    assert edge.get(host(session)).body == b"six"
    s6.close()


def test_location_and_cookies_are_turned(edge, agent, local, session):
    agent.carry(session, web=local.url.replace("127.0.0.1", "localhost"))
    local.on("/go", reply(302, [
        ("location", f"http://localhost:{local.port}/there"), ("set-cookie", "a=b; domain=localhost"),
        ("set-cookie", "c=d"), ("linkup-session", "evil"), ("linkup-tunnel-error", "evil")]))
    a = edge.get(f"{host(session)}:{edge.https}", "/go", sni=host(session))
    assert a.status == 302
    assert a.get("location") == f"https://{host(session)}:{edge.https}/there"
    assert a.all("set-cookie") == [f"a=b; domain={host(session)}", "c=d"]
    assert a.get("linkup-session") is None and len(a.all("via")) == 1
    b = edge.get(host(session), "/go") # behind 443 as the world sees it, no port is named
    assert b.get("location") == f"https://{host(session)}/there"


def test_host_preserve(edge, agent, local, token):
    session = made(edge, token, web={"tunnel": True, "host": "preserve"})
    agent.carry(session, web=local.url)
    seen = edge.get(host(session)).json()
    assert dict(map(tuple, seen["fields"]))["host"] == host(session)


@pytest.mark.parametrize("what,slug,status", [
    ("refused", "backend-refused", 502), ("gone", "backend-broke", 502),
    ("unknown", "tunnel-service", 503)])
def test_what_goes_wrong_at_the_other_end(edge, agent, local, session, what, slug, status):
    urls = {"refused": {"web": f"http://127.0.0.1:{free_port()}"}, "gone": {"web": local.url},
            "unknown": {"other": local.url}}
    agent.carry(session, **urls[what])
    local.on("/x", lambda c, r: c.close())
    for _ in range(4):
        a = edge.get(host(session), "/x", [("accept", "application/problem+json")])
        assert (a.status, a.json()["type"].rsplit("/", 1)[-1].rsplit(":", 1)[-1].rsplit("#", 1)[-1]) \
            == (status, slug), a
        assert a.json()["owner"] == "peter"


def test_a_service_that_is_down_falls_back_where_asked_for(edge, agent, shared, token):
    session = made(edge, token, web={"tunnel": True, "fallback": "shared"})
    agent.carry(session, web=f"http://127.0.0.1:{free_port()}")
    for _ in range(4):
        a = edge.get(host(session), fields=[("linkup-explain", "1")])
        assert a.status == 200 and a.json()["backend"] == shared.name
        assert a.get("linkup-backend") == "shared"


def test_bodies_pass_whole_and_with_flat_memory(edge, agent, local, session):
    agent.carry(session, web=local.url)
    size = 64 * MIB
    local.keep_raw = False
    local.on("/up", lambda c, r: reply(body=str(sum(map(len, c.pieces(r)))).encode()), True)
    before = edge.rss_kib(), agent.rss_kib()
    for _ in range(2):
        a = edge.get(host(session), "/up", method="POST", body=b"x" * size)
        assert a.body == str(size).encode()
    after = edge.rss_kib(), agent.rss_kib()
    most = 48 * 1024 + (512 * 1024 if SANITIZED else 0) # what is freed is held back for a while
    assert all(b - a < most for a, b in zip(before, after)), (before, after)


def test_an_edge_that_is_killed_is_found_again(shared, local):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as e:
        token = e.token("session")
        session = made(e, token)
        with Agent(e, token) as agent:
            agent.carry(session, web=local.url)
            at = agent.mark()
            e.kill()
            agent.wait(lambda s: s.get("state") == "waiting", at)
            e.start()
            agent.await_state("up", at)
            assert e.get(host(session)).json()["backend"] == "local"


def test_an_edge_that_is_stopped_says_so(shared, local):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as e:
        token = e.token("session")
        session = made(e, token)
        with Agent(e, token) as agent:
            agent.carry(session, web=local.url)
            at = agent.mark()
            e.restart()
            agent.await_state("up", at)
            assert e.get(host(session)).json()["backend"] == "local"


def test_an_agent_that_stands_still_is_found_out_and_comes_back(edge, token, local, session):
    with Agent(edge, token) as agent:
        agent.carry(session, web=local.url)
        agent.process.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: edge.api("GET", f"/v1/sessions/{session}").json()["tunnel"]["state"]
                       == "down", "the silence to be noticed")
        finally:
            at = agent.mark()
            agent.process.send_signal(signal.SIGCONT)
        agent.await_state("up", at)
        assert edge.get(host(session)).json()["backend"] == "local"


def test_an_agent_that_is_killed_leaves_at_once(edge, token, local, session):
    agent = Agent(edge, token)
    agent.carry(session, web=local.url)
    agent.kill()
    wait_until(lambda: edge.api("GET", f"/v1/sessions/{session}").json()["tunnel"]["state"]
               == "down", "the end to be noticed")
    with Agent(edge, token) as again:
        again.carry(session, web=local.url)
        assert edge.get(host(session)).json()["backend"] == "local"


def test_a_session_more_takes_nothing_from_the_others(edge, agent, local, token, session):
    go = threading.Event()
    local.on("/slow", lambda c, r: go.wait(PATIENCE) and reply(body=b"slow"))
    agent.carry(session, web=local.url)
    with edge.h1(host(session)) as slow:
        slow.send(f"GET /slow HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
        local.wait(lambda r: r.path == "/slow")
        other = made(edge, token)
        at = agent.mark()
        agent.say(f"set {other} web={local.url}")
        agent.await_state("up", at)
        assert edge.get(host(other)).json()["backend"] == "local"
        assert edge.get(host(session)).json()["backend"] == "local"
        go.set()
        assert slow.answer().body == b"slow"


def test_a_service_changes_without_a_new_connection(edge, agent, local, session):
    with Backend("second") as second:
        agent.carry(session, web=local.url)
        at = agent.mark()
        agent.say(f"set {session} web={second.url}")
        agent.status()
        assert edge.get(host(session)).json()["backend"] == "second"
        assert all("why" not in s or s["state"] == "up" for s in agent.states[at:])


def test_what_is_refused_is_said_and_does_without(edge, agent, local, token, session):
    agent.say(f"set no-such web={local.url}")
    agent.wait(lambda s: s.get("state") == "refused" and "no-such" in s["why"])
    agent.carry(session, web=local.url)
    assert edge.get(host(session)).json()["backend"] == "local"
    at = agent.mark()
    agent.say("refusal no-such")
    assert "no-such" in agent.wait(lambda s: "refusal" in s, at)[1]["refusal"]
    made(edge, token, "no-such")
    at = agent.mark()
    agent.say(f"set no-such web={local.url}") # asked for again
    agent.await_state("up", at)
    assert edge.get(host("no-such")).json()["backend"] == "local"


@pytest.mark.parametrize("change", ["token", "ca", "name"])
def test_why_there_is_no_tunnel(edge, token, local, session, change):
    how = {"token": {}, "ca": {"ca": False}, "name": {"url": "https://edge.other.test"}}[change]
    word = {"token": "token", "ca": "not trusted", "name": "not trusted"}[change]
    with Agent(edge, "lk_wrong" if change == "token" else token, **how) as agent:
        agent.say(f"set {session} web={local.url}")
        agent.wait(lambda s: s.get("state") in ("refused", "waiting") and word in s["why"])


def test_another_owner_has_no_way_in(edge, agent, local, session):
    agent.carry(session, web=local.url)
    with Backend("theirs") as theirs, Agent(edge, edge.token("session", "mary"), "ff" * 16) as thief:
        thief.say(f"set {session} web={theirs.url}")
        thief.wait(lambda s: s.get("state") == "refused" and "another" in s["why"])
        assert edge.get(host(session)).json()["backend"] == "local"


def test_h2c_and_grpc_like_calls(edge, agent, session):
    with BackendH2("h2") as back:
        agent.carry(session, web=back.url)

        def answer(s):
            s.head(200)
            while data := s.some():
                s.data(bytes(data))
            s.end([("grpc-status", "0")])
        back.on("/svc/Call", answer)
        with edge.h2(host(session)) as c:
            s = c.start("POST", "/svc/Call", [("te", "trailers"),
                                              ("content-type", "application/grpc")], end=False)
            for i in range(20):
                c.data(s, b"%d" % i)
            c.data(s, b"", end=True)
            c.finish(s)
        assert bytes(s.body) == b"".join(b"%d" % i for i in range(20))
        assert ("grpc-status", "0") in s.trailers


def test_a_client_that_goes_away_is_passed_on(edge, agent, local, session):
    gone = threading.Event()

    def wait_for_end(c, _):
        c.wait_end()
        gone.set()
    local.on("/slow", wait_for_end)
    agent.carry(session, web=local.url)
    for _ in range(4):
        gone.clear()
        local.forget()
        with edge.h1(host(session)) as c:
            c.send(f"GET /slow HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
            local.wait(lambda r: r.path == "/slow")
        assert gone.wait(PATIENCE)


def test_nothing_is_left_behind(edge, agent, local, session):
    agent.carry(session, web=local.url)
    for _ in range(20):
        edge.get(host(session))
    before = edge.descriptors(), agent.descriptors()
    for _ in range(200):
        assert edge.get(host(session)).status == 200
    wait_until(lambda: agent.status()["open"] == 0, "all requests to have ended")
    after = edge.descriptors(), agent.descriptors()
    assert all(b - a < 10 for a, b in zip(before, after)), (before, after)
