"""What was answered is there after a crash; and a hundred thousand sessions are no other thing than
ten."""

import contextlib
import json
import random
import sqlite3
import threading
import time

import pytest

from support.backend import Backend
from support.edge import SANITIZED, ZONE, Edge
from support.http1 import Http1, NoAnswer
from support.net import connect_unix

ROUNDS = 3 if SANITIZED else 6


class Writer(threading.Thread):
    """Changes sessions of its own without rest. `sure`: what was answered last of each name;
    `asked`: what was under way when the edge died, which may have been done or not."""

    def __init__(self, edge, number, sure):
        super().__init__(daemon=True)
        self.edge, self.number, self.sure = edge, number, sure
        self.asked, self.answered, self.wrong = None, 0, []
        self.rng = random.Random(number)
        self.enough = threading.Event()

    def run(self):
        try:
            with Http1(connect_unix(self.edge.admin)) as c:
                while True:
                    self.change(c)
        except (NoAnswer, OSError):
            pass

    def change(self, c):
        name = f"w{self.number}-{self.rng.randrange(20)}"
        owner = str(self.rng.random())
        if self.sure.get(name) and self.rng.random() < 0.3:
            self.asked = (name, None)
            a = Edge.call(c, "DELETE", f"/v1/sessions/{name}")
            good = a.status == 204
        else:
            self.asked = (name, owner)
            a = Edge.call(c, "PUT", f"/v1/sessions/{name}", {
                "owner": owner, "services": {"web": "http://192.0.2.1"}})
            good = a.status in (200, 201)
        if not good:
            self.wrong.append(a)
        self.sure[name], self.asked = self.asked[1], None
        self.answered += 1
        if self.answered >= 30:
            self.enough.set()


def owners(edge):
    out, cursor = {}, ""
    while cursor is not None:
        page = edge.api("GET", f"/v1/sessions?limit=1000{cursor}").json()
        out.update({s["name"]: s["owner"] for s in page["sessions"]})
        cursor = f"&cursor={page['next']}" if page["next"] else None
    return out


def test_kill_9_during_changes():
    """Each answered change is there after the restart, of each that was not either all or nothing."""
    sure = {}
    with Edge() as edge:
        token = edge.admin_token
        for r in range(ROUNDS):
            writers = [Writer(edge, n, {k: v for k, v in sure.items() if k.startswith(f"w{n}-")})
                       for n in range(4)]
            for w in writers:
                w.start()
            for w in writers:
                assert w.enough.wait(60)
            edge.kill()
            for w in writers:
                w.join()
                assert not w.wrong
            edge.start()
            there = owners(edge)
            for w in writers:
                if w.asked:
                    name, wanted = w.asked
                    assert there.get(name) in (w.sure.get(name), wanted), (r, name)
                    w.sure[name] = there.get(name)
                sure.update(w.sure)
            want = {k: v for k, v in sure.items() if v is not None}
            assert there == want, f"round {r}"
            assert edge.admin_token == token
        for name in list(want)[:5]:
            assert edge.api("GET", f"/v1/sessions/{name}").get("etag")


def test_tokens_survive_too():
    with Edge() as edge:
        token = edge.token("session", "ci")
        edge.kill()
        edge.start()
        with edge.h1("edge." + ZONE) as c:
            assert edge.call(c, "PUT", "/v1/sessions/a", {}, token=token).status == 201


def test_sessions_route_after_a_restart():
    with Backend("mine") as back, Backend("shared") as shared, \
            Edge({"services": [{"name": "web", "url": shared.url}]}) as edge:
        edge.session("peter", {"web": back.url}, pinned=True,
                     rewrites=[{"source": "^/a/(.*)", "target": "/b/$1"}])
        version = edge.api("GET", "/v1/sessions/peter").get("etag")
        for end in (edge.stop, edge.kill):
            end()
            edge.start()
            assert edge.get("web.peter." + ZONE, "/a/x").json()["target"] == "/b/x"
            assert edge.api("GET", "/v1/sessions/peter").get("etag") == version


def test_kill_9_at_the_first_start():
    """Whenever it dies, the next start finds whole files or none."""
    with Edge(start=False) as edge:
        for i in range(12):
            edge.spawn()
            # Not an event that could be awaited: any moment is a good one to die.
            time.sleep(0.002 * i)
            edge.kill()
        edge.start()
        edge.session("peter")
        with edge.h1("web." + ZONE) as c:
            assert c.request().status == 502


# --- many

MANY = 100000


def stored(name, i):
    """As sessions/session_write.c has it: what session_to_stored writes."""
    return json.dumps({
        "name": name, "owner": f"o{i % 100}", "owner_token": "", "ttl": "7d", "pinned": False,
        "preview": False, "services": {"web": {"url": f"http://192.0.2.1:{1 + i % 60000}",
                                               "host": "target"}},
        "domains": [], "rewrites": [], "cache_routes": [],
        "created_ms": int(time.time() * 1000), "changed_ms": int(time.time() * 1000),
        "version": 1})


def fill(edge, n):
    """Straight into the database of an edge that does not run."""
    with contextlib.closing(sqlite3.connect(edge.state / "linkup.db")) as db:
        db.executemany("INSERT INTO sessions VALUES (?, ?)",
                       ((f"s{i:06d}", stored(f"s{i:06d}", i)) for i in range(n)))
        db.commit()


@pytest.fixture(name="many", scope="module")
def fixture_many():
    with Backend("mine") as back, Edge({
            "services": [{"name": "web", "url": back.url}, {"name": "api", "url": back.url}],
            "sessions": {"max": MANY + 10}}, start=False) as edge:
        edge.start()
        edge.stop()
        fill(edge, MANY)
        edge.start()
        edge.back = back
        yield edge


def test_100000_sessions_load(many):
    line = many.wait_log("edge_ready")[1]
    assert line["sessions"] == MANY
    assert many.api("GET", "/v1/status").json()["sessions"]["live"] == MANY
    for i in (0, 1, 777, 50000, MANY - 1):
        s = many.api("GET", f"/v1/sessions/s{i:06d}").json()
        assert s["owner"] == f"o{i % 100}"
        e = many.api("POST", "/v1/explain", {"url": f"https://web.s{i:06d}.{ZONE}/"}).json()
        assert e["backend"] == "session" and e["rules"][2]["url"].endswith(f":{1 + i % 60000}")
        assert many.get(f"api.s{i:06d}.{ZONE}").json()["backend"] == "mine"
    assert many.rss_kib() < 500 * 1024 or SANITIZED


def test_one_more_works_like_the_first(many):
    """Made, served, changed, ended; and the ceiling holds."""
    for i in range(10):
        many.session(f"more{i}", {"web": many.back.url})
        assert many.get(f"web.more{i}.{ZONE}").json()["backend"] == "mine"
    assert many.api("POST", "/v1/sessions", {}).status == 409
    for i in range(10):
        many.session(f"more{i}", {"web": "http://127.0.0.1:1"})
        assert many.get(f"web.more{i}.{ZONE}").status == 502
        many.end_session(f"more{i}")
        assert many.get(f"web.more{i}.{ZONE}").status == 404


def test_one_more_costs_what_the_first_did(many):
    """Processor time of the edge for a change, not the clock on the wall: machines are busy."""
    def ticks(edge):
        with open(f"/proc/{edge.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def cost(edge, n=300):
        with Http1(connect_unix(edge.admin)) as c:
            before = ticks(edge)
            for i in range(n):
                a = Edge.call(c, "PUT", f"/v1/sessions/cost{i % 5}", {"owner": str(i)})
                assert a.status in (200, 201)
            return ticks(edge) - before

    with Edge() as small:
        cost(small)
        few = cost(small)
    cost(many)
    assert cost(many) <= 3 * few + 20, "ticks of 10 ms for 300 changes"
    for i in range(5):
        many.end_session(f"cost{i}")


def test_pages_of_many(many):
    page = many.api("GET", "/v1/sessions?limit=1000&cursor=s050000").json()
    assert [page["sessions"][0]["name"], page["sessions"][-1]["name"]] == ["s050001", "s051000"]
    assert page["next"] == "s051000"
    page = many.api("GET", "/v1/sessions?owner=o7&limit=5").json()
    assert [s["name"] for s in page["sessions"]] == [f"s{i:06d}" for i in (7, 107, 207, 307, 407)]


def test_a_reload_of_many(many):
    assert many.reload(dns={"ttl": 30})[0] == "reloaded"
    assert many.get("api.s000001." + ZONE).json()["backend"] == "mine"


def test_the_end_of_many(many):
    many.stop()
    many.start()
    assert many.wait_log("edge_ready")[1]["sessions"] == MANY
