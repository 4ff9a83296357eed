"""The engineer's end of a tunnel, against an edge by script: what the agent asks, what it makes of every answer,
how it serves what comes, and how it comes back."""

import signal
import threading

import h2.settings
import pytest

from support import websocket
from support.agent import ID, Agent
from support.backend import Backend, reply
from support.backend_h2 import BackendH2
from support.edge import SANITIZED, ZONE
from support.http2 import Http2
from support.net import PATIENCE, free_port
from support.pki import Issuer
from support.scripted_edge import HOST, ScriptedEdge

MIB = 1024 * 1024
Codes = h2.settings.SettingCodes


@pytest.fixture(name="edge")
def fixture_edge(tmp_path):
    with ScriptedEdge(tmp_path) as e:
        yield e


@pytest.fixture(name="local")
def fixture_local():
    with Backend("local") as b:
        yield b


@pytest.fixture(name="agent")
def fixture_agent(edge):
    with Agent(edge, "lk_token", url=edge.url) as a:
        yield a


def up(edge, agent, session="a", **services):
    """A tunnel that carries SESSION."""
    at = agent.mark()
    agent.say(f"set {session} " + " ".join(f"{n}={u}" for n, u in services.items()))
    tunnel = edge.asked().accept()
    agent.await_state("up", at)
    return tunnel


def for_service(service="web", session="a", *more):
    return [("linkup-session", session), ("linkup-service", service), *more]


def get(tunnel, path="/", fields=(), service="web", **kw):
    return tunnel.request(kw.pop("method", "GET"), path, for_service(service) + list(fields), **kw)


# --- the asking

def test_what_is_asked(edge, agent):
    agent.say("set other web=http://localhost:1\nset a web=http://localhost:1")
    asking = edge.asked()
    assert asking.alpn == "http/1.1" and asking.behind == b""
    assert asking.line == "GET /v1/tunnel HTTP/1.1"
    assert sorted(asking.fields) == [
        ("authorization", "Bearer lk_token"), ("connection", "upgrade"), ("host", f"{HOST}:{edge.https}"),
        ("linkup-agent", ID), ("linkup-sessions", "a, other"), ("upgrade", "linkup-tunnel/1")]
    tunnel = asking.accept()
    tunnel.until(lambda: tunnel.settings_acks)
    theirs = tunnel.h2.remote_settings
    assert theirs.max_concurrent_streams == 1000
    assert theirs.enable_connect_protocol == 1
    agent.await_state("up")


def test_nothing_is_asked_without_a_session(edge, agent, local):
    assert agent.status()["state"] == "idle"
    tunnel = up(edge, agent, web=local.url)
    at = agent.mark()
    agent.say("drop a")
    agent.await_state("idle", at)
    assert tunnel.ends()


def test_what_comes_in_one_record_with_the_101(edge, agent, local):
    agent.say(f"set a web={local.url}")
    asking = edge.asked()

    class Held:
        """Keeps what is sent, to send it with the 101."""
        data = b""

        def sendall(self, data):
            self.data += data
    held = Held()
    tunnel = Http2(held, f"web.a.{ZONE}")
    s = tunnel.start("GET", "/first", for_service())
    tunnel.sock = asking.sock
    asking.switch(held.data)
    assert tunnel.finish(s).json()["target"] == "/first"


GARBAGE = {
    "garbage": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "huge": b"HTTP/1.1 101 Switching Protocols\r\nx: " + b"a" * 100000 + b"\r\n\r\n",
    "lines": b"HTTP/1.1 101 Switching Protocols\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
    "200": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "websocket": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "bare": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "binary": bytes(range(256)) * 8,
    "503": b"HTTP/1.1 503 Later\r\ntransfer-encoding: chunked\r\n\r\n",
    "end": b"",
    "half": b"HTTP/1.1 101 Switch",
}


@pytest.mark.parametrize("what", list(GARBAGE))
def test_what_is_no_tunnel_is_said_and_tried_again(edge, agent, local, what):
    agent.say(f"set a web={local.url}")
    asking = edge.asked()
    try:
        asking.say(GARBAGE[what])
    except OSError:
        pass # it has seen enough
    if what in ("end", "half"):
        asking.close()
    else:
        asking.ends()
    _, told = agent.await_state("waiting")
    assert "edge" in told["why"] and told["attempts"] == 1
    tunnel = edge.asked().accept()
    assert get(tunnel).status == 200


@pytest.mark.parametrize("behind", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxx"])
def test_a_tunnel_that_speaks_no_http2(edge, agent, local, behind):
    agent.say(f"set a web={local.url}")
    asking = edge.asked()
    asking.switch(behind)
    asking.ends()
    tunnel = edge.asked().accept()
    assert get(tunnel).status == 200


def test_a_tunnel_that_ends_with_its_101(edge, agent, local):
    agent.say(f"set a web={local.url}")
    asking = edge.asked()
    asking.switch()
    asking.close()
    tunnel = edge.asked().accept()
    assert get(tunnel).status == 200


# --- refusals

@pytest.mark.parametrize("status", [400, 401, 403, 404, 426])
def test_a_refusal_is_final(edge, agent, local, status):
    agent.say(f"set a web={local.url}")
    edge.asked().refuse(status, "It is so.")
    _, told = agent.await_state("refused")
    assert told["why"] == "It is so."
    left = agent.status()
    assert left["state"] == "refused" and 15000 < left["next"] <= 30000
    agent.say(f"set a web={local.url}") # given again: asked again, at once
    assert get(edge.asked().accept()).status == 200


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_is_not_now_may_be_later(edge, agent, local, status):
    agent.say(f"set a web={local.url}")
    for i in range(3):
        at = agent.mark()
        edge.asked().refuse(status, "Not now.")
        _, told = agent.wait(lambda s: s.get("state") == "waiting", at)
        assert told["why"] == "Not now." and told["attempts"] == i + 1
    tunnel = edge.asked().accept()
    assert get(tunnel).status == 200
    assert agent.status()["attempts"] == 0


def test_one_session_that_is_refused_does_not_hold_up_the_others(edge, agent, local):
    agent.say(f"set a web={local.url}\nset b web={local.url}\nset c web={local.url}")
    asking = edge.asked()
    assert asking.sessions == ["a", "b", "c"]
    asking.refuse(403, "b is another's.", "b")
    asking = edge.asked()
    assert asking.sessions == ["a", "c"]
    tunnel = asking.accept()
    agent.await_state("up")
    assert get(tunnel).status == 200
    at = agent.mark()
    agent.say("refusal b\nrefusal a")
    assert agent.wait(lambda s: "refusal" in s, at)[1]["refusal"] == "b is another's."
    agent.say(f"set b web={local.url}")
    assert edge.asked().sessions == ["a", "b", "c"]


def test_a_refused_session_is_asked_for_again_by_and_by(edge, agent, local):
    agent.say(f"set a web={local.url}\nset b web={local.url}")
    edge.asked().refuse(404, "There is no b.", "b")
    first = edge.asked()
    assert first.sessions == ["a"]
    tunnel = first.accept()
    asking = edge.asked_besides(tunnel, PATIENCE + 30)
    assert asking.sessions == ["a", "b"]
    assert agent.status()["state"] == "up" # all the while
    s = tunnel.start("GET", "/", for_service())
    assert tunnel.finish(s).status == 200
    asking.refuse(404, "There still is no b.", "b")
    at = agent.mark()
    agent.say("refusal b")
    assert agent.wait(lambda s: "refusal" in s, at)[1]["refusal"] == "There still is no b."
    assert get(tunnel).status == 200 and agent.status()["state"] == "up"


# --- requests

def test_the_head_that_a_service_gets(edge, agent, local):
    tunnel = up(edge, agent, web=f"http://localhost:{local.port}/base/")
    a = get(tunnel, "/x?y=z", [("x-mine", "1"), ("linkup-tunnel", "9"), ("linkup-anything", "no"),
                               ("x-forwarded-for", "192.0.2.1"), ("via", "2.0 linkup"),
                               ("cookie", "a=b; c=d")], method="PUT", body=b"some")
    seen = a.json()
    fields = dict(map(tuple, seen["fields"]))
    assert seen["method"] == "PUT" and seen["target"] == "/base/x?y=z" and seen["body"] == "some"
    assert fields["host"] == f"localhost:{local.port}"
    assert fields["x-forwarded-for"] == "192.0.2.1" and fields["via"] == "2.0 linkup"
    assert fields["x-mine"] == "1" and fields["cookie"] == "a=b; c=d"
    assert not [n for n in fields if n.startswith("linkup-")]


def test_the_head_that_the_edge_gets(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    local.on("/go", reply(302, [
        ("location", f"{local.url}/there"), ("set-cookie", "a=b; domain=127.0.0.1"),
        ("set-cookie", "c=d"), ("linkup-backend", "evil"), ("linkup-tunnel-error", "evil"),
        ("keep-alive", "timeout=5"), ("connection", "x-hop"), ("x-hop", "1"), ("x-kept", "1")]))
    a = get(tunnel, "/go", host=f"web.a.{ZONE}:8443")
    assert a.status == 302 and a.get("location") == f"https://web.a.{ZONE}:8443/there"
    assert a.all("set-cookie")[1] == "c=d" and a.get("x-kept") == "1"
    names = [n for n, _ in a.fields]
    assert not [n for n in names if n.startswith("linkup-") or n in ("via", "x-hop", "keep-alive")]


def test_the_public_host_is_kept_where_it_is_asked_for(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    seen = get(tunnel, "/", [("linkup-host", "preserve")], host=f"web.a.{ZONE}:8443").json()
    assert dict(map(tuple, seen["fields"]))["host"] == f"web.a.{ZONE}:8443"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_localhost_is_whichever_address_listens(edge, agent, address):
    with Backend("one", address) as one:
        tunnel = up(edge, agent, web=f"http://localhost:{one.port}")
        for _ in range(4):
            assert get(tunnel).json()["backend"] == "one"


def test_h2c(edge, agent):
    with BackendH2("two") as two:
        tunnel = up(edge, agent, web=two.url)
        seen = get(tunnel, "/x", method="POST", body=b"some").json()
        assert seen["body"] == "some" and seen["pseudo"][":authority"] == two.url.split("/")[-1]


def test_https(edge, tmp_path, monkeypatch):
    issuer = Issuer("A local CA")
    issuer.write(tmp_path, "local", ["localhost"])
    roots = tmp_path / "roots.pem"
    roots.write_text(issuer.pem, encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    with Backend("safe", tls=(tmp_path / "local.pem", tmp_path / "local.key")) as safe, \
            Agent(edge, "lk_token", url=edge.url) as agent:
        tunnel = up(edge, agent, web=f"https://localhost:{safe.port}")
        assert get(tunnel).json()["backend"] == "safe"


def test_grpc_like_calls_both_ways(edge, agent):
    with BackendH2("two") as two:
        def answer(s):
            s.head(200, [("content-type", "application/grpc")])
            while data := s.some():
                s.data(bytes(data))
            s.end([("grpc-status", "0")])
        two.on("/svc/Call", answer)
        tunnel = up(edge, agent, web=two.url)
        s = tunnel.start("POST", "/svc/Call", for_service("web", "a", ("te", "trailers")), end=False)
        for i in range(20): # each is answered before the next is asked
            tunnel.data(s, b"%02d" % i)
            tunnel.until(lambda n=i: len(s.body) == 2 * (n + 1), "an echo")
        tunnel.data(s, b"", end=True)
        tunnel.finish(s)
        assert ("grpc-status", "0") in s.trailers


def test_interim_responses(edge, agent, local):
    local.on("/x", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + reply(200, body=b"x"))
    a = get(up(edge, agent, web=local.url), "/x")
    assert [i.status for i in a.interims] == [103] and a.body == b"x"


def test_a_websocket(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    local.on("/ws", websocket.echo, True)
    c = websocket.ClientH2(tunnel, "/ws", for_service())
    assert c.is_open
    for size in (0, 1, 125, 126, 70000, 300000):
        c.ws.message(b"w" * size)
        assert c.ws.receive() == b"w" * size
    c.ws.frame(websocket.CLOSE, b"\x03\xe8")
    assert c.ws.read()[0] == websocket.CLOSE
    c.ends()


def test_a_websocket_that_the_service_says_first_in(edge, agent, local):
    tunnel, peer = up(edge, agent, web=local.url), websocket.PeerH1()
    local.on("/ws", peer, True)
    c = websocket.ClientH2(tunnel, "/ws", for_service())
    peer.wait().ws.message(b"unasked")
    assert c.ws.receive() == b"unasked"
    peer.over.set()
    c.ends()


def test_many_streams_at_once(edge, agent, local):
    tunnel, go = up(edge, agent, web=local.url), threading.Event()
    local.on("/wait", lambda c, r: go.wait(PATIENCE) and reply(body=r.target[-3:].encode()))
    streams = [tunnel.start("GET", f"/wait?{i:03}", for_service()) for i in range(200)]
    local.wait(lambda r: r.path == "/wait", 200)
    assert agent.status()["open"] == 200
    go.set()
    for i, s in enumerate(streams):
        assert tunnel.finish(s).body == b"%03d" % i


def test_a_request_that_is_cancelled_ends_at_the_service(edge, agent, local):
    tunnel, gone = up(edge, agent, web=local.url), threading.Event()

    def wait_for_end(c, _):
        c.wait_end()
        gone.set()
    local.on("/slow", wait_for_end)
    s = tunnel.start("GET", "/slow", for_service())
    local.wait(lambda r: r.path == "/slow")
    tunnel.reset(s)
    assert gone.wait(PATIENCE)
    assert get(tunnel).status == 200


def test_a_tunnel_that_is_lost_ends_what_it_carried(edge, agent, local):
    tunnel, gone = up(edge, agent, web=local.url), threading.Event()

    def wait_for_end(c, _):
        c.wait_end()
        gone.set()
    local.on("/slow", wait_for_end)
    tunnel.start("GET", "/slow", for_service())
    local.wait(lambda r: r.path == "/slow")
    tunnel.close()
    assert gone.wait(PATIENCE)
    edge.asked().accept()


# --- bodies

def test_a_service_that_does_not_read_stops_the_edge_and_no_other(edge, agent, local):
    tunnel, go = up(edge, agent, web=local.url), threading.Event()

    def late(c, r):
        go.wait(PATIENCE * 4)
        return reply(body=str(sum(map(len, c.pieces(r)))).encode())
    local.on("/late", late, True)
    size = 64 * MIB
    before = agent.rss_kib()
    s = tunnel.start("POST", "/late", for_service("web", "a", ("content-length", str(size))), end=False)
    local.wait(lambda r: r.path == "/late")
    sent = 0
    for _ in range(200): # as much as the windows allow; after an answer of another's, no more comes
        room = tunnel.h2.local_flow_control_window(s.number)
        while room > 0:
            n = min(room, tunnel.h2.max_outbound_frame_size, size - sent)
            tunnel.h2.send_data(s.number, b"u" * n)
            tunnel.flush()
            sent, room = sent + n, room - n
        assert get(tunnel).status == 200
    assert sent < 16 * MIB
    assert agent.rss_kib() - before < 32 * 1024 * (8 if SANITIZED else 1)
    go.set()
    tunnel.data(s, b"u" * (size - sent), end=True)
    assert tunnel.finish(s).body == str(size).encode()
    assert agent.rss_kib() - before < 48 * 1024 * (8 if SANITIZED else 1)


def test_an_edge_that_does_not_read_stops_the_service_and_no_other(edge, agent, local):
    agent.say(f"set a web={local.url}")
    tunnel = edge.asked().accept(auto_window=False)
    agent.await_state("up")
    size, done = 64 * MIB, threading.Event()

    def much(c, _):
        c.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(64):
            c.send(b"d" * MIB)
        done.set()
    local.on("/much", much)
    s = tunnel.start("GET", "/much", for_service())
    s.keep_body = False
    window = tunnel.h2.remote_flow_control_window(s.number)
    tunnel.until(lambda: s.received == window, "a full window")
    tunnel.h2.increment_flow_control_window(1 * MIB) # the connection's: the others'
    tunnel.flush()
    before = agent.rss_kib()
    for _ in range(20):
        assert get(tunnel).status == 200
    assert not done.is_set() and s.received == window
    tunnel.h2.increment_flow_control_window(size)
    tunnel.h2.increment_flow_control_window(size, s.number)
    tunnel.flush()
    tunnel.finish(s)
    assert s.received == size and s.ended
    assert agent.rss_kib() - before < 32 * 1024 * (8 if SANITIZED else 1)


# --- what goes wrong

def slug(answer):
    assert answer.body == b"" and not answer.get("content-type"), answer
    return answer.status, answer.get("linkup-tunnel-error")


def test_why_there_is_no_answer(edge, agent, local):
    local.on("/closes", lambda c, r: c.close())
    local.on("/garbage", b"what?\r\n\r\n")
    tunnel = up(edge, agent, web=local.url, none=f"http://127.0.0.1:{free_port()}",
                away="http://no-such-host.invalid")
    assert slug(get(tunnel, service="none")) == (502, "backend-refused")
    assert slug(get(tunnel, "/closes")) == (502, "backend-broke")
    assert slug(get(tunnel, "/garbage"))[0] == 502
    assert slug(get(tunnel, service="away")) == (502, "backend-name")
    assert slug(get(tunnel, service="missing"))[1] == "unknown-service"
    assert slug(tunnel.request("GET", "/", for_service("web", "other")))[1] == "unknown-service"
    assert slug(tunnel.request("GET", "/"))[1] == "unknown-service"
    assert get(tunnel).status == 200


def test_an_answer_that_breaks_off(edge, agent, local):
    def half(c, _):
        c.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfive!")
        c.close()
    local.on("/half", half)
    tunnel = up(edge, agent, web=local.url)
    a = get(tunnel, "/half")
    assert a.status == 200 and a.reset is not None and not a.ended
    assert get(tunnel).status == 200


# --- coming back

def test_a_lost_tunnel_is_asked_for_again(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    for _ in range(3):
        at = agent.mark()
        tunnel.close()
        tunnel = edge.asked().accept()
        agent.await_state("up", at)
        assert get(tunnel).status == 200


def test_an_edge_that_goes_is_served_to_the_end(edge, agent, local):
    tunnel, go = up(edge, agent, web=local.url), threading.Event()
    local.on("/slow", lambda c, r: go.wait(PATIENCE) and reply(body=b"slow"))
    s = tunnel.start("GET", "/slow", for_service())
    local.wait(lambda r: r.path == "/slow")
    tunnel.h2.close_connection(last_stream_id=0)
    tunnel.h2.state_machine.state = type(tunnel.h2.state_machine.state).CLIENT_OPEN
    tunnel.flush()
    another = edge.asked().accept()
    assert get(another).status == 200
    go.set()
    assert tunnel.finish(s).body == b"slow"
    tunnel.close()
    assert get(another).status == 200 and agent.status()["state"] == "up"


def test_silence_is_found_out(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    asking = edge.asked() # nothing was said on the first since
    assert get(asking.accept()).status == 200
    assert tunnel.ends()


def test_pings_keep_a_tunnel(edge, agent, local):
    """It hears something every second, for longer than silence may last."""
    tunnel, over = up(edge, agent, web=local.url), threading.Event()
    for i in range(14):
        tunnel.h2.ping(b"%08d" % i)
        tunnel.flush()
        tunnel.until(lambda n=i: len(tunnel.pings) > n, "a PING's answer")
        over.wait(1)
    assert get(tunnel).status == 200 and agent.status()["state"] == "up"


def test_an_agent_that_stood_still_makes_sure(edge, agent, local):
    """Not for so long that the silence told: the tunnel is good, but who has slept does not rely on that."""
    tunnel = up(edge, agent, web=local.url)
    agent.process.send_signal(signal.SIGSTOP)
    try:
        threading.Event().wait(7)
    finally:
        agent.process.send_signal(signal.SIGCONT)
    another = edge.asked().accept()
    assert get(another).status == 200
    assert get(tunnel).status == 200 # it was not dropped for it


def test_nobody_listens_for_a_while(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    at = agent.mark()
    edge.close()
    tunnel.close()
    agent.wait(lambda s: s.get("state") == "waiting" and s["attempts"] >= 3, at)
    edge.listen()
    assert get(edge.asked().accept()).status == 200


def test_the_pauses_grow_while_tunnels_do_not_last(edge, agent, local):
    agent.say(f"set a web={local.url}")
    for i in range(4):
        at = agent.mark()
        edge.asked().accept().close()
        if i > 0:
            _, told = agent.wait(lambda s: s.get("state") == "waiting", at)
            assert told["attempts"] >= i
    assert get(edge.asked().accept()).status == 200


# --- changes of the set

def test_changes_of_one_turn_are_one_connection(edge, agent, local):
    old = up(edge, agent, web=local.url)
    agent.say("\n".join(f"set s{i} web={local.url}" for i in range(20)))
    asking = edge.asked()
    assert asking.sessions == sorted(["a"] + [f"s{i}" for i in range(20)])
    new = asking.accept()
    agent.await_state("up")
    assert get(new).status == 200 and get(old).status == 200


def test_a_change_loses_nothing_that_runs(edge, agent, local):
    old, go = up(edge, agent, web=local.url), threading.Event()
    local.on("/slow", lambda c, r: go.wait(PATIENCE) and reply(body=b"slow"))
    s = old.start("GET", "/slow", for_service())
    local.wait(lambda r: r.path == "/slow")
    agent.say(f"set b web={local.url}")
    asking = edge.asked()
    assert asking.sessions == ["a", "b"]
    assert get(old).status == 200 # it is the one that counts until there is another
    new = asking.accept()
    assert new.request("GET", "/", for_service("web", "b")).status == 200
    assert get(old).status == 200 # some were on their way
    go.set()
    assert old.finish(s).body == b"slow"
    old.close()
    assert get(new).status == 200 and agent.status()["state"] == "up"


def test_a_change_while_it_is_being_asked(edge, agent, local):
    agent.say(f"set a web={local.url}")
    first = edge.asked()
    agent.say(f"set b web={local.url}")
    second = edge.asked()
    assert second.sessions == ["a", "b"]
    first.ends() # it is not needed any more
    assert get(second.accept()).status == 200


def test_services_change_without_a_connection(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    with Backend("second") as second:
        agent.say(f"set a web={second.url} api={local.url}")
        agent.status()
        assert get(tunnel).json()["backend"] == "second"
        assert get(tunnel, service="api").json()["backend"] == "local"
        agent.say("set a")
        agent.status()
        assert slug(get(tunnel))[1] == "unknown-service"


def test_more_sessions_than_a_tunnel_carries(edge, agent, local):
    agent.say("\n".join(f"set s{i:02} web={local.url}" for i in range(33)))
    assert "32" in agent.wait(lambda s: "error" in s)[1]["error"]
    asking = edge.asked()
    assert len(asking.sessions) == 32
    asking.accept()
    agent.await_state("up")


def test_the_status_counts(edge, agent, local):
    tunnel = up(edge, agent, web=local.url)
    assert get(tunnel, method="POST", body=b"x" * 1000).status == 200
    local.on("/n", reply(body=b"y" * 5000))
    get(tunnel, "/n")
    told = agent.status()
    assert (told["tunnels"], told["requests"], told["open"]) == (1, 2, 0)
    assert told["bytes_in"] == 1000 and told["bytes_out"] > 5000

