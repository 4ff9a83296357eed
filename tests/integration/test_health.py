"""Backends that go down and come back: several addresses, checks, ejection, retries, fallback."""

import json
import re
import socket
import threading

import pytest

from support.backend import Backend, reply
from support.backend_h2 import BackendH2
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.names import Names
from support.net import PATIENCE, connect_unix, free_port, wait_until
from support.pki import Issuer

HOST = "web." + ZONE
SESSION = "web.peter." + ZONE
FAST = {"path": "/health", "interval": "100ms", "timeout": "1s", "rise": 1, "fall": 2}


def health(edge, service="web"):
    services = edge.api("GET", "/v1/services").json()["services"]
    return next(s["health"] for s in services if s["name"] == service)


def wait_state(edge, state, service="web"):
    return wait_until(lambda: (h := health(edge, service)) and h["state"] == state and h,
                      f"{service} {state}")


def dead():
    """A URL at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


class Listener:
    """To /v1/events."""

    def __init__(self, edge):
        self.c = Http1(connect_unix(edge.admin), "edge." + ZONE)

    def __enter__(self):
        self.c.send(f"GET /v1/events HTTP/1.1\r\nhost: {self.c.host}\r\n\r\n".encode())
        return self

    def __exit__(self, *_):
        self.c.close()

    def until(self, condition):
        self.c.sock.settimeout(30)
        while True:
            for m in re.finditer(rb"event: health\r?\ndata: ([^\n]*)\n", bytes(self.c.held)):
                data = json.loads(m[1])
                if condition(data):
                    return data
            piece = self.c.sock.recv(65536)
            assert piece, "no more events"
            self.c.held += piece


# --- several addresses

@pytest.fixture(name="pair")
def fixture_pair():
    """Two backends at one port, 127.0.0.1 and 127.0.0.2."""
    with Backend("one") as one, Backend("two", "127.0.0.2", port=one.port) as two:
        yield one, two


def edge_at(names, port, workers=1, **service):
    return Edge({"workers": workers, "resolvers": [names.at],
                 "services": [{"name": "web", "url": f"http://web.test:{port}", **service}]})


def who(edge, **kw):
    a = edge.get(HOST, "/", **kw)
    assert a.status == 200, a
    return a.get("x-backend")


def test_all_addresses_are_used(pair):
    one, two = pair
    with Names({"web.test": ["127.0.0.1", "127.0.0.2"]}) as names, edge_at(names, one.port) as edge:
        seen = [who(edge) for _ in range(40)]
        assert seen.count("one") >= 5 and seen.count("two") >= 5
    assert two.requests


def test_a_dead_address_is_passed_over_and_ejected(pair):
    one, two = pair
    with Names({"web.test": ["127.0.0.1", "127.0.0.2"]}) as names, edge_at(names, one.port) as edge:
        two.close()
        for c in list(two.connections):
            assert c.ended.wait(PATIENCE)
        assert {who(edge) for _ in range(40)} == {"one"}
        line = edge.wait_log("address_ejected")[1]
        assert line["address"] == "127.0.0.2" and line["port"] == one.port
        assert edge.metric("linkup_back_ejected_total") >= 1
        with Backend("two again", "127.0.0.2", port=one.port):
            wait_until(lambda: who(edge) == "two again", "its return")


def test_a_name_that_leads_elsewhere_is_followed(pair):
    one, _ = pair
    with Names({"web.test": ["127.0.0.1"]}) as names, edge_at(names, one.port) as edge:
        assert who(edge) == "one"
        names.hosts["web.test"] = ["127.0.0.2"]
        one.close()
        wait_until(lambda: edge.get(HOST).get("x-backend") == "two", "the other address")


# --- second attempts

def close_unanswered(c, _):
    c.close()


def primed(edge, back, n):
    """N idle connections to the backend."""
    held = []
    with edge.h2(HOST) as h:
        streams = [h.start(path="/wait") for _ in range(n)]
        back.wait(lambda r: r.path == "/wait", n)
        held = list(back.connections)
        back.gate.set()
        for s in streams:
            h.finish(s)
            assert s.status == 200
    assert len(held) == n
    return held


@pytest.fixture(name="gated")
def fixture_gated():
    with Backend("web") as b:
        b.gate = threading.Event()

        def wait(_, __):
            b.gate.wait(30)
            return reply(200)
        b.on("/wait", wait)
        yield b


def test_a_get_on_a_dead_idle_connection_is_sent_again(gated):
    with Edge({"workers": 1, "services": [{"name": "web", "url": gated.url}]}) as edge:
        primed(edge, gated, 1)
        gated.on("/", lambda c, r: c.close() if c is gated.connections[0] else reply(200))
        assert edge.get(HOST, "/").status == 200
        assert len(gated.seen(lambda r: r.path == "/")) == 2
        assert edge.metric("linkup_back_retries_total") == 1


@pytest.mark.parametrize("body", [b"", b"x"])
def test_a_post_is_not(gated, body):
    with Edge({"workers": 1, "services": [{"name": "web", "url": gated.url}]}) as edge:
        primed(edge, gated, 1)
        gated.on("/", lambda c, r: c.close() if c is gated.connections[0] else reply(200))
        assert edge.get(HOST, "/", method="POST", body=body).status == 502
        assert len(gated.seen(lambda r: r.path == "/")) == 1
        assert edge.metric("linkup_back_retries_total") == 0


def test_the_second_attempt_goes_to_another_address(pair):
    one, two = pair
    with Names({"web.test": ["127.0.0.1", "127.0.0.2"]}) as names, edge_at(names, one.port) as edge:
        for b in pair:
            b.on("/", reply(200, [("x-backend", b.name)]))
        wait_until(lambda: len(one.connections) and len(two.connections) or not who(edge),
                   "a connection to each")
        for b in pair:
            b.on("/bad", close_unanswered).forget()
        assert edge.get(HOST, "/bad").status == 502
        assert [len(b.seen(lambda r: r.path == "/bad")) for b in pair] == [1, 1]


def test_the_budget_bounds_second_attempts(gated):
    n = 60
    with Edge({"workers": 1, "limits": {"pool_per_backend": n},
               "services": [{"name": "web", "url": gated.url}]}) as edge:
        primed(edge, gated, n)
        gated.on("/bad", close_unanswered)
        with edge.h2(HOST) as h:
            streams = [h.start(path="/bad") for _ in range(n)]
            for s in streams:
                h.finish(s)
        assert all(s.status == 502 for s in streams)
        again = edge.metric("linkup_back_retries_total")
        refused = edge.metric("linkup_back_retries_refused_total")
        # Two a second over ten seconds, and a fifth of 2n requests.
        assert 20 <= again <= 20 + 2 * n / 5 and again + refused == n
        assert len(gated.seen(lambda r: r.path == "/bad")) == n + again


# --- active checks

def test_up_down_and_up_again(pair):
    back, _ = pair
    services = [{"name": "web", "url": back.url, "health": FAST},
                {"name": "api", "url": back.url}]
    with Edge({"services": services}) as edge, Listener(edge) as events:
        back.on("/health", reply(204))
        assert wait_state(edge, "up")["addresses"] == {"up": 1, "down": 0, "unknown": 0}
        assert health(edge, "api") is None
        r = back.wait(lambda r: r.path == "/health")
        assert (r.method, r.get("host"), r.get("user-agent")) == \
            ("GET", back.authority, "linkup-health")

        back.on("/health", reply(500))
        h = wait_state(edge, "down")
        assert h["last_failure"]["reason"] == "status 500"
        assert h["addresses"] == {"up": 0, "down": 1, "unknown": 0}
        data = events.until(lambda e: e["health"]["state"] == "down")
        assert data["service"] == "web" and data["health"]["since"] == h["since"]
        a = edge.get(HOST, "/", {"accept": "application/json"})
        assert a.status == 503 and a.json()["type"] == "urn:linkup:problem:backend-down"
        assert "status 500" in a.json()["detail"] and h["since"] in a.json()["detail"]
        assert a.get("retry-after")
        # Another service at the same address has nothing to do with it.
        assert edge.get("api." + ZONE).status == 200
        assert edge.metric('linkup_services{health="down"}') == 1
        assert edge.api("GET", "/v1/status").json()["health"] == {"up": 0, "down": 1, "unknown": 0}

        back.on("/health", reply(301))
        wait_state(edge, "up")
        events.until(lambda e: e["health"]["state"] == "up" and e["health"]["last_failure"])
        assert edge.get(HOST).status == 200
        states = [x["state"] for x in edge.lines if x.get("event") == "health_changed"]
        assert states == ["up", "down", "up"]


def test_it_is_told_to_every_worker(pair):
    back, _ = pair
    back.on("/health", reply(500))
    with Edge({"workers": 4,
               "services": [{"name": "web", "url": back.url, "health": FAST}]}) as edge:
        wait_state(edge, "down")
        wait_until(lambda: [edge.get(HOST).status for _ in range(30)] == [503] * 30, "all workers")


def test_killed_and_back():
    with Backend() as first:
        port = first.port
        with Edge({"services": [{"name": "web", "url": first.url, "health": FAST}]}) as edge:
            wait_state(edge, "up")
            first.close()
            assert wait_state(edge, "down")["last_failure"]["reason"] == "connection refused"
            with Backend("again", port=port):
                wait_state(edge, "up")
                wait_until(lambda: edge.get(HOST).get("x-backend") == "again", "traffic")


@pytest.mark.parametrize("statuses, answer, state", [
    (None, 200, "up"), (None, 399, "up"), (None, 404, "down"),
    ([200, "401-403"], 402, "up"), ([200, "401-403"], 204, "down")])
def test_statuses(statuses, answer, state):
    with Backend() as back:
        back.on("/health", reply(answer))
        how = {**FAST, **({"statuses": statuses} if statuses else {})}
        with Edge({"services": [{"name": "web", "url": back.url, "health": how}]}) as edge:
            wait_state(edge, state)


def test_a_silent_backend_is_down():
    with Backend() as back:
        back.on("/health", lambda c, r: None)
        how = {**FAST, "timeout": "50ms"}
        with Edge({"services": [{"name": "web", "url": back.url, "health": how}]}) as edge:
            assert wait_state(edge, "down")["last_failure"]["reason"] == "no answer in time"


def test_a_name_without_address_is_down():
    with Names() as names, edge_at(names, 80, health=FAST) as edge:
        h = wait_state(edge, "down")
        assert h["last_failure"]["reason"] == "name not resolved"
        assert h["addresses"] == {"up": 0, "down": 0, "unknown": 0}
        assert edge.get(HOST).status == 503


def test_one_address_of_two_is_down(pair):
    one, two = pair
    two.on("/health", reply(500))
    with Names({"web.test": ["127.0.0.1", "127.0.0.2"]}) as names, \
            edge_at(names, one.port, health=FAST) as edge:
        wait_until(lambda: health(edge)["addresses"] == {"up": 1, "down": 1, "unknown": 0}, "one")
        assert health(edge)["state"] == "up"
        wait_until(lambda: {who(edge) for _ in range(30)} == {"one"}, "only the one")
        two.on("/health", reply(200))
        wait_until(lambda: {who(edge) for _ in range(30)} == {"one", "two"}, "both")


def test_checks_are_no_requests(pair):
    back, _ = pair
    with Edge({"services": [{"name": "web", "url": back.url, "health": FAST}]}) as edge:
        wait_state(edge, "up")
        back.wait(lambda r: r.path == "/health", 5)
        # The backend has written down the fifth when the edge has not yet heard of it.
        wait_until(lambda: edge.metric("linkup_health_checks_total") >= 5, "five checks")
        assert edge.metric("linkup_http_requests_open") == 1  # this one
        assert "/health" not in (edge.folder / "access.log").read_text()


def test_a_reload_keeps_what_did_not_change(pair):
    back, _ = pair
    back.on("/health", reply(500))
    web = {"name": "web", "url": back.url, "health": FAST}
    with Edge({"services": [web]}) as edge:
        since = wait_state(edge, "down")["since"]
        other = {"name": "other", "url": back.url, "health": {**FAST, "path": "/"}}
        assert edge.reload(services=[web, other])[0] == "reloaded"
        assert health(edge)["state"] == "down" and health(edge)["since"] == since
        wait_state(edge, "up", "other")
        assert edge.get(HOST).status == 503
        assert edge.reload(services=[{**web, "health": None}])[0] == "reload_refused"
        assert edge.reload(services=[{"name": "web", "url": back.url}])[0] == "reloaded"
        assert health(edge) is None
        wait_until(lambda: edge.get(HOST).status == 200, "no check, no verdict")


# --- fallback to the shared copy

@pytest.fixture(name="shared")
def fixture_shared():
    with Backend("shared") as b:
        yield b


def explained(edge, host=SESSION, **kw):
    a = edge.get(host, "/a?b", {"linkup-explain": "1", "accept": "application/json"}, **kw)
    return a, {k: a.get("linkup-" + k) for k in ("session", "backend", "rule")}


@pytest.mark.parametrize("url", [dead, lambda: "http://nobody.invalid:80"])
def test_without_fallback_it_is_told(shared, url):
    with Names() as names, Edge({"resolvers": [names.at],
                                 "services": [{"name": "web", "url": shared.url}]}) as edge:
        edge.session("peter", {"web": {"url": url()}}, owner="Peter P")
        a, said = explained(edge)
        assert a.status == 502 and said["backend"] == "session"
        assert a.json()["session"] == "peter" and a.json()["owner"] == "Peter P"
        assert not shared.requests
        assert edge.metric("linkup_fallbacks_total") == 0


@pytest.mark.parametrize("url", [dead, lambda: "http://nobody.invalid:80"])
def test_with_fallback_the_shared_copy_answers(shared, url):
    services = [{"name": "web", "url": shared.url + "/base"}]
    with Names() as names, Edge({"resolvers": [names.at], "services": services}) as edge:
        edge.session("peter", {"web": {"url": url(), "fallback": "shared",
                                       "rewrites": [{"source": "^/a", "target": "/own"}]}})
        for n in range(8):
            a, said = explained(edge)
            assert a.status == 200 and a.get("x-backend") == "shared"
            assert said == {"session": "peter", "backend": "shared",
                            "rule": "session by host; service by host; fallback to shared, "
                                    "the session's own is down"}
            # It is asked as if the session had no backend of its own.
            assert shared.last.target == "/base/a?b"
            assert shared.last.get("host") == shared.authority
            assert "linkup-session=peter" in shared.last.get("baggage")
            assert edge.metric("linkup_fallbacks_total") == n + 1


def test_with_its_body(shared):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as edge:
        edge.session("peter", {"web": {"url": dead(), "fallback": "shared"}})
        a = edge.get(SESSION, "/", method="POST", body=b"x" * 100000)
        assert a.status == 200 and a.json()["body"] == "x" * 100000
        a = edge.get2(SESSION, "/", method="POST", body=b"y" * 100000)
        assert a.status == 200 and a.json()["body"] == "y" * 100000


def test_a_backend_that_comes_back_is_used_again(shared):
    port = free_port()
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as edge:
        edge.session("peter", {"web": {"url": f"http://127.0.0.1:{port}", "fallback": "shared"}})
        for _ in range(10):
            assert edge.get(SESSION).get("x-backend") == "shared"
        with Backend("own", port=port):
            wait_until(lambda: edge.get(SESSION).get("x-backend") == "own", "the session's own")


def test_a_backend_that_answers_is_not_down(shared):
    with Backend("own") as own, Edge({"services": [{"name": "web", "url": shared.url}]}) as edge:
        own.on("/500", reply(500)).on("/gone", close_unanswered)
        edge.session("peter", {"web": {"url": own.url, "fallback": "shared"}})
        assert edge.get(SESSION, "/500").status == 500
        assert edge.get(SESSION, "/gone").status == 502
        assert not shared.requests


def test_both_are_down(shared):
    with Edge({"services": [{"name": "web", "url": dead()}]}) as edge:
        edge.session("peter", {"web": {"url": dead(), "fallback": "shared"}})
        a, said = explained(edge)
        assert a.status == 502 and a.json()["backend"] == "shared"
        assert said["backend"] == "shared" and "fallback" in said["rule"]


def test_a_tunnel_that_is_not_there(shared):
    with Edge({"services": [{"name": "web", "url": shared.url}]}) as edge:
        edge.session("peter", {"web": {"tunnel": True, "fallback": "shared"}})
        a, said = explained(edge)
        assert a.status == 200 and said["backend"] == "shared"
        edge.session("anna", {"web": {"tunnel": True}})
        assert edge.get("web.anna." + ZONE).status == 503


def test_since_when_is_told(shared):
    with Edge({"workers": 1, "services": [{"name": "web", "url": dead()}]}) as edge:
        assert "since" not in edge.get(HOST).body.decode()
        body = wait_until(lambda: (b := edge.get(HOST).body.decode()) and "since" in b and b,
                          "a second")
        assert re.search(r"It has been so for \d+ s, since \d{4}-\d\d-\d\dT[\d:.]+Z\.", body)


# --- what is spoken

@pytest.fixture(name="issued", scope="module")
def fixture_issued(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    issuer = Issuer()
    issuer.write(folder, "web", ["web.test"])
    (folder / "ca.pem").write_text(issuer.pem)
    return {"ca": str(folder / "ca.pem"),
            "tls": (str(folder / "web.pem"), str(folder / "web.key"))}


@pytest.mark.parametrize("scheme, make", [
    ("h2c", lambda tls: BackendH2()),
    ("https", lambda tls: BackendH2(tls=tls)),
    ("https", lambda tls: Backend(tls=tls))], ids=["h2c", "https-h2", "https-h1"])
def test_a_check_speaks_what_traffic_speaks(issued, scheme, make):
    """And a backend is still verified by its name, although each of its addresses is asked."""
    with Names({"web.test": ["127.0.0.1"]}) as names, make(issued["tls"]) as back:
        service = {"name": "web", "url": f"{scheme}://web.test:{back.port}", "health": FAST}
        if scheme == "https":
            service["tls"] = {"ca": issued["ca"]}
        with Edge({"resolvers": [names.at], "services": [service]}) as edge:
            h = wait_state(edge, "up")
            assert h["last_failure"] is None
            r = back.wait(lambda r: r.path == "/health", 3)
            assert r.method == "GET" and r.get("user-agent") == "linkup-health"
            assert edge.get(HOST).status == 200
            back.close()
            wait_state(edge, "down")


@pytest.mark.parametrize("make", [BackendH2, Backend], ids=["h2", "h1"])
def test_connections_may_go_elsewhere(issued, make):
    """The URL's name leads nowhere; it is still the backend's Host, and its certificate's name."""
    with make(tls=issued["tls"]) as back, make(tls=issued["tls"]) as other:
        services = [{"name": name, "url": "https://web.test", "health": dict(FAST), "tls": {"ca": issued["ca"]},
                     "connect": f"127.0.0.1:{b.port}"} for name, b in (("web", back), ("api", other))]
        with Edge({"services": services}) as edge:
            wait_state(edge, "up")
            for name, b in (("web", back), ("api", other)):
                assert edge.get(f"{name}.{ZONE}", "/mine").status == 200
                r = b.wait(lambda r: r.path == "/mine")
                assert (getattr(r, "authority", None) or r.get("host")) == "web.test"
            back.close()
            wait_state(edge, "down")


def test_an_untrusted_backend_is_down(issued):
    with Backend(tls=issued["tls"]) as back:
        services = [{"name": "web", "url": back.url, "health": FAST}]
        with Edge({"services": services}) as edge:
            assert wait_state(edge, "down")["last_failure"]["reason"] == "TLS failed"


@pytest.mark.parametrize("version, said", [
    ("v1", b"PROXY UNKNOWN\r\n"), ("v2", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")])
def test_a_check_is_no_clients(version, said):
    """A PROXY header says that the connection is the edge's own."""
    heads = []

    def serve(listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                head = b""
                while b"linkup-health" not in head:
                    piece = sock.recv(4096)
                    if not piece:
                        break
                    head += piece
                heads.append(head)
                sock.sendall(reply(200))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        services = [{"name": "web", "url": f"http://127.0.0.1:{listener.getsockname()[1]}",
                     "proxy_protocol": version, "health": FAST}]
        with Edge({"services": services}) as edge:
            wait_state(edge, "up")
            assert heads[0].startswith(said + b"GET /health HTTP/1.1\r\n")
        listener.shutdown(socket.SHUT_RDWR)
