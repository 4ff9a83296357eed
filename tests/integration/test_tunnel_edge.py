"""The edge's end of tunnels, with scripted agents: asking, carrying, taking over, going down."""

import signal
import threading

import pytest

from support.backend import Backend
from support.backend_h2 import Gone
from support.edge import ZONE, Edge
from support.net import PATIENCE, wait_until
from support.scripted_agent import ID, ScriptedAgent

MIB = 1024 * 1024


@pytest.fixture(name="shared", scope="module")
def fixture_shared():
    with Backend("shared") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(shared):
    with Edge({"workers": 2, "services": [{"name": "web", "url": shared.url}]}) as e:
        yield e


@pytest.fixture(name="token", scope="module")
def fixture_token(edge):
    return edge.token("session", "peter")


@pytest.fixture(name="agent")
def fixture_agent(edge, token):
    with ScriptedAgent(edge, token) as a:
        yield a


_names = iter(f"s{i}" for i in range(1000))


@pytest.fixture(name="session")
def fixture_session(edge, token):
    name = next(_names)
    made(edge, name, token)
    yield name
    a = edge.api("DELETE", f"/v1/sessions/{name}")
    assert a.status in (204, 404)


def made(edge, name, token, **service):
    with edge.h1(f"edge.{ZONE}") as c:
        a = edge.call(c, "PUT", f"/v1/sessions/{name}",
                      {"services": {"web": {"tunnel": True, **service}}}, token=token)
    assert a.status in (200, 201), a


def host(session, service="web"):
    return f"{service}.{session}.{ZONE}"


def await_down(edge, session):
    wait_until(lambda: edge.api("GET", f"/v1/sessions/{session}").json()["tunnel"]["state"] ==
               "down", "the tunnel to be down")


# --- asking


@pytest.mark.parametrize("change,status,word", [
    ({"upgrade": None}, 426, "linkup-tunnel/1"),
    ({"upgrade": "websocket"}, 400, None),
    ({"upgrade": "linkup-tunnel/2"}, 426, "linkup-tunnel/1"),
    ({"agent": "xyz"}, 400, "linkup-agent"),
    ({"agent": "0" * 65}, 400, "linkup-agent"),
    ({"agent": "ABCDEF0123456789"}, 400, "linkup-agent"),
    ({"sessions": None}, 400, "linkup-sessions"),
    ({"sessions": " , ,"}, 400, "linkup-sessions"),
    ({"sessions": "{0}, {0}"}, 400, "linkup-sessions"),
    ({"sessions": ", ".join(f"n{i}" for i in range(33))}, 400, "linkup-sessions"),
    ({"sessions": "no-such"}, 404, "no-such"),
    ({"sessions": "{0}, no-such"}, 404, "no-such"),
    ({"sessions": "../../etc/passwd"}, 404, None),
    ({"token": "lk_wrong"}, 401, None),
])
def test_what_is_wrong_is_refused(edge, agent, session, change, status, word):
    ask = {"sessions": session, **change}
    if ask["sessions"]:
        ask["sessions"] = ask["sessions"].format(session)
    c, a = agent.ask(**ask)
    with c:
        assert a.status == status, a
        if word:
            assert word in a.body.decode() or a.get("upgrade") == word, a
        if status == 426:
            assert a.get("upgrade") == "linkup-tunnel/1"
        elif status != 400 or word:
            assert c.request("GET", "/linkup/check").status == 200 # the connection is as it was


def test_nothing_is_carried_before_an_agent_comes(edge, session):
    a = edge.get(host(session), fields=[("accept", "application/problem+json")])
    assert a.status == 503 and a.json()["type"].endswith("tunnel-down") and a.json()["owner"] == "peter"


def test_a_reader_has_no_tunnel(edge, agent, session):
    c, a = agent.ask(session, token=edge.token("read"))
    c.close()
    assert a.status == 403


def test_another_owner_cannot_take_or_read(edge, agent, session):
    first = agent.open(session)
    with ScriptedAgent(edge, edge.token("session", "mary"), "thief") as thief:
        c, a = thief.ask(session)
        c.close()
        assert a.status == 403 and session in a.body.decode()
        assert edge.get(host(session)).json()["backend"] == "agent"
        assert not thief.requests
    assert not first.over.is_set()


def test_http2_is_told_to_come_by_http1(edge, token):
    with edge.h2(f"edge.{ZONE}") as c:
        a = c.request("GET", "/v1/tunnel", [("authorization", f"Bearer {token}")])
    assert a.status == 426


# --- carrying


@pytest.mark.parametrize("front", ["h1", "h2"])
def test_a_request_goes_through(edge, agent, session, front):
    agent.open(session)
    get = edge.get if front == "h1" else edge.get2
    for _ in range(8): # by both workers
        a = get(host(session), "/a?b=c", [("x-mine", "1"), ("linkup-explain", "1"),
                                          ("linkup-service", "evil")], "POST", b"body")
        seen = a.json()
        assert a.status == 200 and seen["body"] == "body"
        fields = dict(map(tuple, seen["fields"]))
        assert seen["pseudo"] == {":method": "POST", ":scheme": "https", ":path": "/a?b=c",
                                  ":authority": host(session)}
        assert fields["linkup-session"] == session and fields["linkup-service"] == "web"
        assert "linkup-host" not in fields
        assert fields["x-mine"] == "1" and fields["x-forwarded-proto"] == "https"
        assert sum(n == "via" for n, _ in seen["fields"]) == 1
        assert f"linkup-session={session}" in fields["baggage"]
        assert a.get("linkup-backend") == "tunnel" and a.get("linkup-session") == session
        assert len(a.all("via")) == 1


def test_host_preserve_is_passed_on(edge, agent, token, session):
    made(edge, session, token, host="preserve")
    agent.open(session)
    seen = edge.get(host(session)).json()
    assert dict(map(tuple, seen["fields"]))["linkup-host"] == "preserve"


def test_many_streams_at_once(edge, agent, session):
    agent.open(session)
    go = threading.Event()
    agent.on("/held", lambda s: (s.read(), go.wait(PATIENCE), s.reply(200, (), b"done")))
    clients = [edge.h2(host(session)) for _ in range(4)]
    try:
        streams = [(c, c.start("GET", "/held")) for c in clients for _ in range(50)]
        agent.wait(n=200)
        assert len(agent.connections) == 1
        go.set()
        for c, s in streams:
            assert c.finish(s).body == b"done"
    finally:
        go.set()
        for c in clients:
            c.close()


def test_bodies_both_ways(edge, agent, session):
    agent.open(session)
    agent.on("/up", lambda s: str(len(s.read())).encode())
    agent.on("/down", lambda s: (s.read(), s.reply(200, (), b"x" * 5 * MIB)) and None)
    for get in (edge.get, edge.get2):
        for _ in range(3):
            assert get(host(session), "/up", method="POST", body=b"y" * 3 * MIB).body == \
                str(3 * MIB).encode()
            assert len(get(host(session), "/down").body) == 5 * MIB


def test_a_reader_who_stops_stops_the_sender(edge, agent, session):
    agent.open(session)
    sent, over = [0], threading.Event()

    def endless(s):
        s.head(200)
        try:
            while True:
                s.data(b"z" * 65536)
                sent[0] += 65536
        except Gone:
            over.set()
    agent.on("/endless", endless)
    for _ in range(4): # by both workers
        over.clear()
        sent[0] = 0
        with edge.h1(host(session)) as c:
            c.send(f"GET /endless HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
            c.head()
            settled = [-1]

            def is_settled():
                last, settled[0] = settled[0], sent[0]
                return last == sent[0] and sent[0] > 0
            wait_until(is_settled, "the sender to stand still", step=0.5)
            assert sent[0] < 24 * MIB
            # Another request on the same tunnel is not stopped by it.
            assert edge.get(host(session)).status == 200
        assert over.wait(PATIENCE) # who goes away is seen at the other end


def test_trailers_and_interims(edge, agent, session):
    agent.open(session)

    def answer(s):
        s.head(103, [("link", "</x>; rel=preload")])
        s.head(200)
        s.data(b"body")
        s.end([("grpc-status", "0")])
    agent.on("/grpc", answer)
    for _ in range(4):
        a = edge.get2(host(session), "/grpc", [("te", "trailers")])
        assert a.body == b"body" and ("grpc-status", "0") in a.trailers
        assert [i.status for i in a.interims] == [103]


def test_a_websocket(edge, agent, session):
    agent.open(session)

    def answer(s):
        assert s.method == "CONNECT" and s.protocol == "websocket"
        s.head(200)
        while data := s.some():
            s.data(bytes(data).upper())
        s.end()
    agent.on("/ws", answer)
    for _ in range(4):
        with edge.h1(host(session)) as c:
            c.send((f"GET /ws HTTP/1.1\r\nhost: {host(session)}\r\nconnection: upgrade\r\n"
                    "upgrade: websocket\r\nsec-websocket-version: 13\r\n"
                    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode())
            a = c.head()
            assert a.status == 101 and a.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
            c.send(b"ping")
            assert c.take(4) == b"PING"


@pytest.mark.parametrize("slug,status", [
    ("backend-refused", 502), ("backend-silent", 504), ("backend-name", 502),
    ("unknown-service", 503), ("what-is-that", 502)])
def test_what_the_agent_could_not_do_is_told(edge, agent, session, slug, status):
    agent.open(session)
    agent.on("/x", lambda s: (s.read(), s.reply(502, [("linkup-tunnel-error", slug)])) and None)
    for _ in range(4):
        a = edge.get(host(session), "/x", [("accept", "application/problem+json")])
        assert a.status == status, a
        assert a.get("linkup-tunnel-error") is None
        assert a.json()["service"] == "web" and a.json()["session"] == session


def test_one_tunnel_for_several_sessions(edge, agent, token, session):
    other = next(_names)
    made(edge, other, token)
    agent.open(session, other)
    for name in (session, other):
        seen = edge.get(host(name)).json()
        assert dict(map(tuple, seen["fields"]))["linkup-session"] == name
    edge.end_session(other)
    assert edge.get(host(other)).status == 404
    assert edge.get(host(session)).status == 200
    assert not agent.connections[0].over.is_set()


# --- taking over


def test_a_new_connection_takes_over_and_the_old_one_finishes(edge, agent, session):
    first = agent.open(session)
    go = threading.Event()
    agent.on("/slow", lambda s: (s.read(), go.wait(PATIENCE), s.reply(200, (), b"old")))
    slow = edge.h1(host(session))
    slow.send(f"GET /slow HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
    agent.wait(lambda s: s.path == "/slow")
    second = agent.open(session)
    for _ in range(6):
        assert edge.get(host(session), "/new").status == 200
    assert all(s.conn is second for s in agent.requests if s.path == "/new")
    assert not first.over.is_set()
    go.set()
    assert slow.answer().body == b"old"
    slow.close()
    agent.until(first.over.is_set, "the old connection's end")
    assert first.goaway == 0
    assert edge.get(host(session)).status == 200


def test_half_dead_connections_do_not_hold_the_name(edge, agent, token, session):
    agent.open(session)
    with ScriptedAgent(edge, token, "laptop2", agent="ff" * 16) as other:
        other.open(session)
        for _ in range(4):
            assert edge.get(host(session)).json()["backend"] == "laptop2"


def test_the_last_session_ends_the_tunnel(edge, agent, session):
    conn = agent.open(session)
    edge.end_session(session)
    agent.until(conn.over.is_set, "the end of the tunnel")


def test_a_revoked_token_ends_its_tunnels(edge, session):
    a = edge.api("POST", "/v1/tokens", {"name": "short", "scope": "admin"}).json()
    with ScriptedAgent(edge, a["token"]) as agent:
        conn = agent.open(session)
        assert edge.api("DELETE", f"/v1/tokens/{a['id']}").status == 204
        agent.until(conn.over.is_set, "the end of the tunnel")


# --- going down and coming back


def test_requests_wait_for_the_reconnect(edge, agent, session):
    agent.open(session).close()
    await_down(edge, session)
    waiting = [edge.h1(host(session)) for _ in range(8)]
    for c in waiting:
        c.send(f"GET /waited HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
    wait_until(lambda: edge.metric("linkup_tunnel_waits_total") >= 8, "eight who wait")
    agent.open(session)
    for c in waiting:
        assert c.answer().status == 200
        c.close()


def test_what_is_under_way_fails_clearly(edge, agent, session):
    conn = agent.open(session)
    agent.on("/held", lambda s: s.conn.over.wait(PATIENCE) and None)
    clients = [edge.h1(host(session)) for _ in range(6)]
    for c in clients:
        c.send((f"POST /held HTTP/1.1\r\nhost: {host(session)}\r\ncontent-length: 2\r\n"
                "accept: application/problem+json\r\n\r\nhi").encode())
    agent.wait(lambda s: s.path == "/held", n=6)
    conn.close()
    for c in clients:
        a = c.answer()
        assert a.status == 502 and a.json()["type"].endswith("tunnel-lost"), a
        c.close()


def test_down_is_said_with_owner_and_time(edge, agent, session):
    conn = agent.open(session)
    conn.close()
    await_down(edge, session)
    a = edge.get(host(session), fields=[("accept", "application/problem+json")])
    assert a.status == 503 and a.json()["type"].endswith("tunnel-down"), a
    assert a.json()["owner"] == "peter" and "since" in a.json()["detail"]
    state = edge.api("GET", f"/v1/sessions/{session}").json()["tunnel"]
    assert state["state"] == "down"


def test_the_shared_copy_answers_at_once_where_asked_for(edge, agent, shared, token, session):
    made(edge, session, token, fallback="shared")
    conn = agent.open(session)
    assert edge.get(host(session)).json()["backend"] == "agent"
    conn.close()
    await_down(edge, session)
    a = edge.get(host(session), fields=[("linkup-explain", "1")])
    assert a.status == 200 and a.json()["backend"] == shared.name
    assert a.get("linkup-backend") == "shared"
    assert not any(n.startswith("linkup-") for n, _ in a.json()["fields"])


def test_goaway_is_a_graceful_end(edge, agent, session):
    conn = agent.open(session)
    go = threading.Event()
    agent.on("/slow", lambda s: (s.read(), go.wait(PATIENCE), s.reply(200, (), b"old")))
    slow = edge.h1(host(session))
    slow.send(f"GET /slow HTTP/1.1\r\nhost: {host(session)}\r\n\r\n".encode())
    s = agent.wait(lambda s: s.path == "/slow")
    conn.say_goaway(s.number)
    await_down(edge, session)
    second = agent.open(session)
    for _ in range(4):
        assert edge.get(host(session), "/new").status == 200
    assert all(s.conn is second for s in agent.requests if s.path == "/new")
    go.set()
    assert slow.answer().body == b"old"
    slow.close()


def test_silence_is_found_out(edge, agent, session):
    agent.open(session)
    agent.deaf.set() # it reads no more, and answers no PING
    await_down(edge, session)
    assert edge.get(host(session)).status == 503


def test_an_idle_tunnel_is_asked_whether_it_lives(edge, agent, session):
    conn = agent.open(session)
    agent.until(lambda: conn.pings >= 2, "two PINGs")
    assert edge.get(host(session)).status == 200


def test_the_api_tells(edge, agent, token, session):
    before = edge.api("GET", "/v1/status").json()["tunnels"]
    agent.open(session)
    assert edge.api("GET", "/v1/status").json()["tunnels"] == before + 1
    shown = edge.api("GET", f"/v1/sessions/{session}").json()
    assert shown["tunnel"]["state"] == "up" and shown["tunnel"]["agent"] == ID
    # What was got may be put back.
    assert edge.api("PUT", f"/v1/sessions/{session}", shown).status == 200


# --- the edge's own end


def test_a_limit_of_tunnels(shared, token):
    with Edge({"services": [{"name": "web", "url": shared.url}], "limits": {"tunnels": 1}}) as e:
        mine = e.token("session")
        made(e, "a", mine)
        with ScriptedAgent(e, mine) as agent:
            agent.open("a")
            c, a = agent.ask("a")
            c.close()
            assert a.status == 503 and a.get("retry-after")


def test_drains_with_goaway(shared):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as e:
        mine = e.token("session")
        made(e, "a", mine)
        with ScriptedAgent(e, mine) as agent:
            conn = agent.open("a")
            go = threading.Event()
            agent.on("/slow", lambda s: (s.read(), go.wait(PATIENCE), s.reply(200, (), b"old")))
            clients = [e.h1(host("a")) for _ in range(4)]
            for c in clients:
                c.send(f"GET /slow HTTP/1.1\r\nhost: {host('a')}\r\n\r\n".encode())
            agent.wait(lambda s: s.path == "/slow", n=4)
            e.signal(signal.SIGTERM)
            agent.until(lambda: conn.goaway == 0, "GOAWAY")
            go.set()
            for c in clients:
                assert c.answer().body == b"old"
                c.close()
            assert e.wait() == 0


def test_killed_and_started_again(shared):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as e:
        mine = e.token("session")
        made(e, "a", mine)
        with ScriptedAgent(e, mine) as agent:
            agent.open("a")
            e.kill()
            e.start()
            agent.open("a")
            for _ in range(4):
                assert e.get(host("a")).json()["backend"] == "agent"
