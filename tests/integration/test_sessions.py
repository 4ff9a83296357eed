"""Sessions over the API: who may do what, what is refused, and that an answered change is in force."""

import datetime
import json
import re
import threading

import pytest

from support.backend import Backend
from support.edge import SANITIZED, ZONE, Edge
from support.http1 import Http1, NoAnswer
from support.net import PATIENCE, connect_unix, wait_until

API = "edge." + ZONE
URL = "http://192.0.2.1:8080"


@pytest.fixture(name="backs", scope="module")
def fixture_backs():
    with Backend("shared") as shared, Backend("mine") as mine:
        yield shared, mine


@pytest.fixture(name="edge", scope="module")
def fixture_edge(backs):
    with Edge({
        "services": [{"name": "web", "url": backs[0].url}, {"name": "api", "url": backs[0].url}],
        "domains": [{"domain": ZONE, "default_service": "web"},
                    {"domain": "shop." + ZONE, "default_service": "web"}],
        "sessions": {"max_ttl": "30d", "max": 5000},
        "public_port": None,
    }) as e:
        e.tokens = {scope: e.token(scope, scope + "-test") for scope in ("read", "session", "admin")}
        yield e


@pytest.fixture(autouse=True)
def fixture_clean(request):
    yield
    if "edge" in request.fixturenames:
        edge = request.getfixturevalue("edge")
        for s in edge.api("GET", "/v1/sessions?limit=1000").json()["sessions"]:
            edge.end_session(s["name"])


def over_https(edge, method, path, body=None, token=None, fields=()):
    with edge.h1(API) as c:
        return edge.call(c, method, path, body, fields, token)


def all_sessions(edge):
    return edge.api("GET", "/v1/sessions?limit=1000").json()["sessions"]


# --- the calls

def test_a_session_from_its_making_to_its_end(edge, backs):
    a = edge.api("POST", "/v1/sessions", {
        "name": "peter", "owner": "peter", "ttl": "2d", "services": {
            "web": {"url": backs[1].url, "host": "target"}, "api": {"tunnel": True}}})
    assert a.status == 201 and a.get("location") == "/v1/sessions/peter"
    s = a.json()
    assert s["name"] == "peter" and s["ttl"] == "2d" and s["pinned"] is False
    assert s["urls"]["web"] == f"https://web.peter.{ZONE}:{edge.https}"
    assert s["services"]["web"]["url"] == backs[1].url
    assert s["services"]["api"]["tunnel"] is True
    for when in ("created", "expires"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", s[when])
    etag = a.get("etag")
    got = edge.api("GET", "/v1/sessions/peter")
    assert got.status == 200 and got.json() == s and got.get("etag") == etag
    assert edge.get("web.peter." + ZONE).json()["backend"] == "mine"
    assert edge.get("api.peter." + ZONE).status == 503

    a = edge.api("PATCH", "/v1/sessions/peter", {"services": {"api": None}})
    assert a.status == 200 and "api" not in a.json()["services"] and a.get("etag") != etag
    assert edge.get("api.peter." + ZONE).json()["backend"] == "shared"
    a = edge.api("POST", "/v1/sessions/peter/extend", {"ttl": "9d"})
    assert a.status == 200 and a.json()["ttl"] == "9d"
    a = edge.api("PUT", "/v1/sessions/peter", {"services": {}})
    assert a.status == 200
    assert edge.get("web.peter." + ZONE).json()["backend"] == "shared"
    assert edge.api("DELETE", "/v1/sessions/peter").status == 204
    assert edge.api("GET", "/v1/sessions/peter").status == 404
    assert edge.api("DELETE", "/v1/sessions/peter").status == 404
    assert edge.get("web.peter." + ZONE).status == 404


def test_what_was_got_may_be_put_back(edge):
    s = edge.session("peter", {"web": {"url": URL, "host": "preserve", "fallback": "shared",
                                       "rewrites": [{"source": "^/a", "target": "/b"}]}},
                     domains=[{"domain": "shop." + ZONE, "default_service": "web",
                               "routes": [{"path": "^/x", "service": "api"}]}],
                     rewrites=[{"source": "^/c", "target": "/d"}], cache_routes=["^/static"],
                     pinned=True, owner="me")
    a = edge.api("PUT", "/v1/sessions/peter", s)
    assert a.status == 200, a
    same = {k: v for k, v in a.json().items() if k not in ("version", "changed", "expires")}
    assert same == {k: v for k, v in s.items() if k not in ("version", "changed", "expires")}


def test_names_are_made_up(edge):
    names = {edge.api("POST", "/v1/sessions", {}).json()["name"] for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"[a-z]+-[a-z]+(-[a-z0-9]{6})?", n) for n in names)


def test_identical_previews_have_one_name(edge):
    """'Preview names changing on redeploy': the order of services is irrelevant."""
    one = edge.api("POST", "/v1/sessions", {"services": {"web": URL, "api": URL + "/x"}})
    two = edge.api("POST", "/v1/sessions", {"services": {"api": URL + "/x", "web": {"url": URL}}})
    other = edge.api("POST", "/v1/sessions", {"services": {"web": URL}})
    assert (one.status, two.status, other.status) == (201, 200, 201)
    assert one.json()["name"] == two.json()["name"] != other.json()["name"]
    assert re.fullmatch(r"[0-9a-f]{6}", one.json()["name"])


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:1",
                                 "http://x.localhost", "http://0.0.0.0", "http://127.9.9.9"])
def test_previews_on_the_edges_own_machine(edge, url):
    a = edge.api("POST", "/v1/sessions", {"services": {"web": url}})
    assert a.status == 400 and a.json()["field"] == "services.web.url"
    assert not all_sessions(edge)


# --- the calls of Linkup's own clients

def preview(edge, body, **kw):
    return over_https(edge, "POST", "/linkup/v2/sessions/preview", body,
                      token=edge.tokens["session"], **kw)


def test_a_preview_as_linkup_asks_for_it(edge, backs):
    body = {
        "services": [{"name": "web", "location": backs[1].url, "rewrites": [
            {"source": "^/old/(.*)", "target": "/new/$1"}]}, {"name": "api", "location": URL}],
        "domains": [{"domain": "shop." + ZONE, "default_service": "api",
                     "routes": [{"path": "^/w/", "service": "web"}]}],
        "cache_routes": [".*/_next/static/.*"],
    }
    a = preview(edge, body)
    assert a.status == 400 and a.json()["field"] == "services[0].location"
    assert "localhost" in a.json()["detail"] and not all_sessions(edge)

    body["services"][0]["location"] = backs[1].url.replace("127.0.0.1", "127.0.0.1.nip.test")
    a = preview(edge, body)
    assert a.status == 200 and list(a.json()) == ["session_name"]
    name = a.json()["session_name"]
    made = edge.api("GET", "/v1/sessions/" + name).json()
    assert made["services"]["web"]["rewrites"] == body["services"][0]["rewrites"]
    assert made["services"]["api"]["url"] == URL
    assert made["domains"] == body["domains"] and made["owner"] == "session-test"

    body["services"].reverse()  # their order says nothing
    assert preview(edge, body).json()["session_name"] == name
    body["domains"] = None
    assert preview(edge, body).json()["session_name"] != name


@pytest.mark.parametrize("services, field", [
    (None, "services"), ([], "services"), ({}, "services"), ([1], "services[0].name"),
    ([{"location": URL}], "services[0].name"), ([{"name": "web"}], "services[0].location"),
    ([{"name": "web", "location": 1}], "services[0].location"),
    ([{"name": "web", "location": "ftp://a"}], "services[0].location"),
    ([{"name": "web", "location": "http://localhost:3000"}], "services[0].location"),
    ([{"name": "web", "location": "http://[::1]:3000"}], "services[0].location"),
    ([{"name": "web", "location": URL}, {"name": "web", "location": URL}], "services"),
])
def test_previews_of_linkup_that_are_none(edge, services, field):
    a = preview(edge, {"services": services})
    assert a.status == 400 and a.json()["field"] == field and not all_sessions(edge)


# As Linkup 4.0.0 writes them: `sessions create-preview` with and without a name, every member there, URLs with
# a final slash, what is not given null.
LINKUP_UNNAMED = ('{"name_kind":"six_char","session_token":null,"services":[{"name":"web","location":'
                  '"https://web-pr-12.example.net/","rewrites":[{"source":"/foo/(.*)","target":"/bar/$1"}]},'
                  '{"name":"api","location":"https://api.example.net/v1","rewrites":null}],"domains":['
                  '{"domain":"shop.linkup.test","default_service":"web","routes":[{"path":"/api/v1/.*","service":'
                  '"api"}]},{"domain":"api.linkup.test","default_service":"api","routes":null}],'
                  '"cache_routes":[".*/_next/static/.*"]}')
LINKUP_NAMED = LINKUP_UNNAMED.replace('"name_kind":"six_char","session_token":null',
                                      '"desired_name":"pr-12","session_token":"preview_session"')
LINKUP_FIELDS = [("content-type", "application/json"), ("x-linkup-version", "4.0.0"), ("accept", "*/*")]


def as_linkup(edge, body, token="session"):
    return over_https(edge, "POST", "/linkup/v2/sessions/preview", body.encode(), edge.tokens[token],
                      LINKUP_FIELDS)


def test_linkups_own_bodies(edge):
    assert ZONE == "linkup.test"
    a = as_linkup(edge, LINKUP_UNNAMED)
    assert (a.status, list(a.json()), a.get("content-type")) == (200, ["session_name"], "application/json")
    name = a.json()["session_name"]
    assert re.fullmatch("[0-9a-f]{6}", name)
    assert as_linkup(edge, LINKUP_UNNAMED).json() == {"session_name": name}
    made = edge.api("GET", "/v1/sessions/" + name).json()
    assert made["services"]["web"]["url"] == "https://web-pr-12.example.net"
    assert made["services"]["api"]["url"] == "https://api.example.net/v1"
    assert made["cache_routes"] == [".*/_next/static/.*"]
    assert made["domains"][0]["routes"] == [{"path": "/api/v1/.*", "service": "api"}]
    assert as_linkup(edge, LINKUP_UNNAMED.replace('[".*/_next/static/.*"]', "null")).status == 200


def test_linkups_named_previews(edge):
    """Made, replaced in place, and never another's."""
    assert as_linkup(edge, LINKUP_NAMED).json() == {"session_name": "pr-12"}
    first = edge.api("GET", "/v1/sessions/pr-12").json()
    assert first["owner"] == "session-test"
    changed = LINKUP_NAMED.replace("web-pr-12", "web-pr-12-b")
    assert as_linkup(edge, changed).json() == {"session_name": "pr-12"}
    again = edge.api("GET", "/v1/sessions/pr-12").json()
    assert again["services"]["web"]["url"] == "https://web-pr-12-b.example.net"
    assert again["owner"] == "session-test"
    assert len(all_sessions(edge)) == 1

    other = edge.token("session", "other")
    a = over_https(edge, "POST", "/linkup/v2/sessions/preview", LINKUP_NAMED.encode(), other, LINKUP_FIELDS)
    assert a.status == 409 and a.json()["field"] == "desired_name"
    assert edge.api("GET", "/v1/sessions/pr-12").json() == again


@pytest.mark.parametrize("name, status", [
    ('"Pr_12"', 400), ('""', 400), ('"edge"', 400), ('"web"', 400), ("7", 400), ("null", 200)])
def test_linkups_names_that_are_none(edge, name, status):
    a = as_linkup(edge, LINKUP_NAMED.replace('"pr-12"', name))
    assert a.status == status, a
    if status == 400:
        assert a.json()["field"] == "desired_name" and not all_sessions(edge)


def test_linkups_check(edge):
    a = over_https(edge, "GET", "/linkup/check")
    assert (a.status, a.body) == (200, b"OK")
    assert over_https(edge, "POST", "/linkup/v2/sessions/preview", {}).status == 401
    assert over_https(edge, "POST", "/linkup/v2/sessions/preview", {},
                      token=edge.tokens["read"]).status == 403


# --- lists

def test_pages(edge):
    names = [f"s{i:03d}" for i in range(25)]
    for n in reversed(names):
        edge.session(n, owner="odd" if int(n[1:]) % 2 else "even")
    got, cursor = [], ""
    while cursor is not None:
        page = edge.api("GET", f"/v1/sessions?limit=10{cursor}").json()
        got += [s["name"] for s in page["sessions"]]
        cursor = f"&cursor={page['next']}" if page["next"] else None
    assert got == names
    odd = edge.api("GET", "/v1/sessions?owner=odd").json()["sessions"]
    assert [s["name"] for s in odd] == names[1::2]
    for query in ("limit=0", "limit=x", "limit=1001", "cursor=A_B", "nonsense=1", "limit=%zz"):
        assert edge.api("GET", "/v1/sessions?" + query).status == 400, query


def test_head_and_options(edge):
    edge.session("peter")
    with Http1(connect_unix(edge.admin)) as c:
        a = c.request("HEAD", "/v1/sessions/peter")
        assert a.status == 200 and a.get("etag")
        a = c.request("DELETE", "/v1/status")
        assert a.status == 405 and "GET" in a.get("allow")
        for path in ("/v1", "/v1/", "/v2/sessions", "/v1/sessions/", "/v1/sessions/a/b",
                     "/v1/sessions/%ff%00", "/V1/sessions", "//v1/sessions"):
            assert c.request("GET", path).status == 404, path


def test_etags(edge):
    def tag(a):
        return a.get("etag")

    one = edge.api("PUT", "/v1/sessions/peter", {"services": {}}, {"if-match": "*"})
    assert one.status == 412, "there is none yet"
    one = edge.api("PUT", "/v1/sessions/peter", {"services": {}})
    two = edge.api("PUT", "/v1/sessions/peter", {"owner": "x"}, {"if-match": tag(one)})
    assert two.status == 200 and tag(two) != tag(one)
    for method, body in (("PUT", {"owner": "y"}), ("PATCH", {"owner": "y"}), ("DELETE", None)):
        a = edge.api(method, "/v1/sessions/peter", body, {"if-match": tag(one)})
        assert a.status == 412, a
        a = edge.api(method, "/v1/sessions/peter", body, {"if-match": "W/" + tag(two)})
        assert a.status == 412, "a weak tag never matches"
        a = edge.api(method, "/v1/sessions/peter", body, {"if-match": "nonsense"})
        assert a.status == 400
    assert edge.api("GET", "/v1/sessions/peter").json()["owner"] == "x"
    a = edge.api("PATCH", "/v1/sessions/peter", {"owner": "z"},
                 {"if-match": f'"0", {tag(two)}, "7777"'})
    assert a.status == 200
    assert edge.api("DELETE", "/v1/sessions/peter", None, {"if-match": "*"}).status == 204


def test_of_changes_at_once_one_wins(edge):
    """If-Match is judged when the change's turn has come."""
    tag = edge.api("PUT", "/v1/sessions/peter", {}).get("etag")
    results = []

    def change(i):
        a = edge.api("PATCH", "/v1/sessions/peter", {"owner": f"o{i}"}, {"if-match": tag})
        results.append(a.status)

    threads = [threading.Thread(target=change, args=(i,)) for i in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == [200] + [412] * 19


def test_names_race(edge):
    results = []

    def create():
        results.append(edge.api("POST", "/v1/sessions", {"name": "one"}).status)

    threads = [threading.Thread(target=create) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == [201] + [409] * 19


def test_services_status_and_ca(edge, backs):
    s = edge.api("GET", "/v1/services").json()
    assert [(x["name"], x["backend"]) for x in s["services"]] == [
        ("web", backs[0].url), ("api", backs[0].url)]
    status = edge.api("GET", "/v1/status").json()
    assert status["workers"] == 2 and status["zone"] == ZONE and status["draining"] is False
    a = over_https(edge, "GET", "/v1/ca.pem")
    assert a.status == 200 and a.body.startswith(b"-----BEGIN CERTIFICATE-----")


def test_over_http2_too(edge):
    with edge.h2(API) as c:
        auth = {"authorization": f"Bearer {edge.admin_token}"}
        s = c.request("PUT", "/v1/sessions/h2", {**auth, "content-type": "application/json"},
                      json.dumps({"owner": "x" * 100}).encode())
        assert s.status == 201, s
        assert c.request("GET", "/v1/sessions/h2", auth).json()["owner"] == "x" * 100
        assert c.request("GET", "/v1/sessions/h2").status == 401
        assert c.request("DELETE", "/v1/sessions/h2", auth).status == 204


# --- tokens

CALLS = [
    ("GET", "/v1/sessions", None, "read"), ("GET", "/v1/sessions/none", None, "read"),
    ("POST", "/v1/sessions", {"name": "t"}, "session"), ("PUT", "/v1/sessions/t", {}, "session"),
    ("PATCH", "/v1/sessions/t", {}, "session"),
    ("POST", "/v1/sessions/t/extend", None, "session"),
    ("DELETE", "/v1/sessions/t", None, "session"), ("GET", "/v1/services", None, "read"),
    ("GET", "/v1/status", None, "read"),
    ("POST", "/v1/explain", {"url": f"https://web.{ZONE}/"}, "read"),
    ("GET", "/v1/tokens", None, "admin"),
    ("POST", "/v1/tokens", {"name": "x", "scope": "read"}, "admin"),
    ("DELETE", "/v1/tokens/none", None, "admin"), ("GET", "/v1/ca.pem", None, None),
]
RANK = {None: -1, "read": 0, "session": 1, "admin": 2}


@pytest.mark.parametrize("method,path,body,scope", CALLS)
def test_scopes(edge, method, path, body, scope):
    for have in (None, "read", "session", "admin"):
        a = over_https(edge, method, path, body, edge.tokens.get(have))
        if RANK[have] >= RANK[scope]:
            assert a.status not in (401, 403), (have, a)
        elif have is None:
            assert a.status == 401 and a.get("www-authenticate").startswith("Bearer"), a
        else:
            assert a.status == 403, (have, a)


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Basic x", "bearer lk_",
                                   "Bearer " + "x" * 10000, "Bearer lk_\xe4", ", Bearer x"])
def test_tokens_that_are_none(edge, value):
    with edge.h1(API) as c:
        a = c.request("GET", "/v1/sessions", {"authorization": value})
    assert a.status == 401 and a.get("content-type") == "application/problem+json"


def test_tokens_are_not_taken_from_elsewhere(edge):
    """No cookie, no query: a browser must not call with its user's rights."""
    t = edge.admin_token
    with edge.h1(API) as c:
        assert c.request("GET", "/v1/sessions", {"cookie": f"token={t}"}).status == 401
        assert c.request("GET", f"/v1/sessions?token={t}").status in (400, 401)
        assert c.request("GET", "/v1/sessions", {"proxy-authorization": f"Bearer {t}"}).status == 401


def test_one_changes_ones_own_only(edge):
    """'Anyone with the one token can take any session.'"""
    mine, yours = edge.tokens["session"], edge.token("session", "other")
    assert over_https(edge, "PUT", "/v1/sessions/a", {"owner": "me"}, mine).status == 201
    for method, path, body in (("PATCH", "/v1/sessions/a", {"owner": "you"}),
                               ("DELETE", "/v1/sessions/a", None),
                               ("POST", "/v1/sessions/a/extend", None)):
        assert over_https(edge, method, path, body, yours).status == 403
    assert over_https(edge, "PUT", "/v1/sessions/a", {"owner": "you"}, yours).status == 409
    assert over_https(edge, "POST", "/v1/sessions", {"name": "a"}, yours).status == 409
    assert over_https(edge, "GET", "/v1/sessions/a", token=yours).json()["owner"] == "me"
    assert over_https(edge, "PUT", "/v1/sessions/a", {"owner": "x"}, mine).status == 200
    assert over_https(edge, "PATCH", "/v1/sessions/a", {"owner": "y"},
                      edge.tokens["admin"]).status == 200
    assert over_https(edge, "DELETE", "/v1/sessions/a", token=mine).status == 204, "still its maker's"


def test_tokens_are_made_shown_once_and_revoked(edge):
    a = edge.api("POST", "/v1/tokens", {"name": "ci", "scope": "session"})
    assert a.status == 201
    secret, made = a.json()["token"], a.json()
    listed = edge.api("GET", "/v1/tokens")
    assert secret not in listed.body.decode()
    assert any(t["id"] == made["id"] and t["scope"] == "session" for t in listed.json()["tokens"])
    assert over_https(edge, "GET", "/v1/sessions", token=secret).status == 200
    assert secret.encode() not in (edge.state / "linkup.db").read_bytes()
    wal = edge.state / "linkup.db-wal"
    assert not wal.exists() or secret.encode() not in wal.read_bytes(), "kept as hashes"
    assert edge.api("DELETE", f"/v1/tokens/{made['id']}").status == 204
    assert over_https(edge, "GET", "/v1/sessions", token=secret).status == 401
    for body in ({}, {"name": "x"}, {"name": "x", "scope": "root"}, {"name": "", "scope": "read"},
                 {"name": "x", "scope": "read", "more": 1}, {"name": 1, "scope": "read"},
                 {"name": "x" * 65, "scope": "read"}, {"name": "a\nb", "scope": "read"}):
        assert edge.api("POST", "/v1/tokens", body).status == 422, body


# --- bad bodies: a clear error, and nothing changed

def service(**kw):
    return {"services": {"web": kw}}


BAD = {
    "name: upper case": ({"name": "Peter"}, "name"), "name: empty": ({"name": ""}, "name"),
    "name: a dot": ({"name": "a.b"}, "name"), "name: --": ({"name": "a--b"}, "name"),
    "name: - first": ({"name": "-a"}, "name"), "name: - last": ({"name": "a-"}, "name"),
    "name: 41": ({"name": "a" * 41}, "name"), "name: umlaut": ({"name": "päter"}, "name"),
    "name: number": ({"name": 7}, "name"), "name: null": ({"name": None}, "name"),
    "name: space": ({"name": "a b"}, "name"), "name: _": ({"name": "a_b"}, "name"),
    "name: edge": ({"name": "edge"}, "name"), "name: www": ({"name": "www"}, "name"),
    "name: ns1": ({"name": "ns1"}, "name"), "name: ns17": ({"name": "ns17"}, "name"),
    "name: a service": ({"name": "web"}, "name"), "name: a domain": ({"name": "shop"}, "name"),
    "unknown field": ({"nmae": "x"}, "nmae"), "unknown deep": (service(url=URL, x=1),
                                                              "services.web.x"),
    "ttl: number": ({"ttl": 7}, "ttl"), "ttl: no unit": ({"ttl": "7"}, "ttl"),
    "ttl: words": ({"ttl": "soon"}, "ttl"), "ttl: 0": ({"ttl": "0s"}, "ttl"),
    "ttl: -": ({"ttl": "-1d"}, "ttl"), "ttl: too long": ({"ttl": "31d"}, "ttl"),
    "ttl: huge": ({"ttl": "99999999999999999999d"}, "ttl"),
    "pinned: text": ({"pinned": "yes"}, "pinned"), "owner: list": ({"owner": []}, "owner"),
    "owner: long": ({"owner": "x" * 129}, "owner"),
    "services: list": ({"services": []}, "services"),
    "services: number": ({"services": {"web": 1}}, "services.web"),
    "service: bad name": ({"services": {"We b": URL}}, "services.We b"),
    "service: edge": ({"services": {"edge": URL}}, "services.edge"),
    "service: nothing": (service(), "services.web"),
    "service: both": (service(url=URL, tunnel=True), "services.web"),
    "tunnel: false": (service(tunnel=False), "services.web.tunnel"),
    "tunnel: text": (service(tunnel="yes"), "services.web.tunnel"),
    "url: number": (service(url=1), "services.web.url"),
    "url: no scheme": (service(url="x.example"), "services.web.url"),
    "url: ftp": (service(url="ftp://x"), "services.web.url"),
    "url: no host": (service(url="http://"), "services.web.url"),
    "url: port": (service(url="http://x:99999"), "services.web.url"),
    "url: user": (service(url="http://u:p@x"), "services.web.url"),
    "url: query": (service(url="http://x/?a"), "services.web.url"),
    "url: space": (service(url="http://x y"), "services.web.url"),
    "url: CRLF": (service(url="http://x/\r\nx: y"), "services.web.url"),
    "url: long": (service(url="http://x/" + "a" * 100000), "services.web.url"),
    "host: other": (service(url=URL, host="other"), "services.web.host"),
    "tls for http": (service(url=URL, tls={"verify": False}), "services.web"),
    "tls ca": (service(url="https://x", tls={"ca": "/etc/shadow"}), "services.web.tls.ca"),
    "rewrites: bad regex": ({"rewrites": [{"source": "(", "target": "/"}]}, "rewrites[0].source"),
    "rewrites: group": ({"rewrites": [{"source": "a", "target": "/$1"}]}, "rewrites[0].target"),
    "rewrites: no target": ({"rewrites": [{"source": "a"}]}, "rewrites[0]"),
    "rewrites: object": ({"rewrites": {}}, "rewrites"),
    "cache_routes: bad regex": ({"cache_routes": ["["]}, "cache_routes[0]"),
    "domains: bad name": ({"domains": [{"domain": "a b", "default_service": "web"}]},
                          "domains[0].domain"),
    "domains: another's": ({"domains": [{"domain": "x.y." + ZONE, "default_service": "web"}]},
                           "domains[0].domain"),
    "domains: service": ({"domains": [{"domain": "x.example", "default_service": "none"}]},
                         "domains[0].default_service"),
    "domains: twice": ({"domains": [{"domain": "x.example", "default_service": "web"}] * 2},
                       "domains[1].domain"),
    "domains: route": ({"domains": [{"domain": "x.example", "default_service": "web",
                                     "routes": [{"path": "(", "service": "web"}]}]},
                       "domains[0].routes[0].path"),
    "set by the edge": ({"created": "2026-01-01T00:00:00Z"}, "created"),
    "too many services": ({"services": {f"s{i}": URL for i in range(65)}}, "services"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_fields(edge, what):
    body, field = BAD[what]
    before = all_sessions(edge)
    a = edge.api("POST", "/v1/sessions", body)
    assert a.status in (400, 422) and a.get("content-type") == "application/problem+json", a
    problem = a.json()
    assert problem["field"].startswith(field) or field.startswith(problem["field"]), problem
    assert problem["status"] == a.status and problem["detail"]
    assert all_sessions(edge) == before


@pytest.mark.parametrize("what", [w for w in BAD if not w.startswith(("name", "set by"))])
def test_bad_patches_change_nothing(edge, what):
    edge.session("peter", {"api": URL}, owner="me", ttl="3d")
    before = all_sessions(edge)
    a = edge.api("PATCH", "/v1/sessions/peter", BAD[what][0])
    assert a.status in (400, 422), a
    assert all_sessions(edge) == before


RAW = {
    "escaped NUL": (b'{"name": "a\\u0000b"}', 400),
    "no body": (b"", 400), "no JSON": (b"{", 400), "text": (b"hello", 400),
    "two values": (b"{}{}", 400), "a list": (b"[]", 422), "a string": (b'"x"', 422),
    "null": (b"null", 422), "a number": (b"7", 422), "NUL": (b'{"owner": "\0"}', 400),
    "bad UTF-8": (b'{"owner": "\xff"}', 400), "duplicate keys": (b'{"owner":"a","owner":"b"}', 400),
    "deep": (b'{"services":' * 5000 + b"1" + b"}" * 5000, 400),
    "deep list": (b"[" * 500000, 400), "BOM": (b"\xef\xbb\xbf{}", 400),
    "comment": (b"{/* x */}", 400), "NaN": (b'{"ttl": NaN}', 400),
    "surrogate": (b'{"owner": "\\ud800"}', 400),
}


@pytest.mark.parametrize("what", RAW)
def test_bodies_that_are_none(edge, what):
    data, status = RAW[what]
    a = edge.api("POST", "/v1/sessions", data)
    assert a.status == status or a.status in (400, 422) and status in (400, 422), a
    assert a.get("content-type") == "application/problem+json"
    assert not all_sessions(edge)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "multipart/form-data; boundary=x", "", "application/jsonx"])
def test_bodies_of_another_type(edge, kind):
    """What a browser sends across sites without asking is refused."""
    a = edge.api("POST", "/v1/sessions", b"{}", {"content-type": kind})
    assert a.status == 415 and not all_sessions(edge)
    a = edge.api("POST", "/v1/sessions", b"{}", {"content-type": "application/json; charset=utf-8"})
    assert a.status == 201


def test_oversized_bodies(edge):
    for n in (1 << 20, 3 << 20):
        body = b'{"owner": "' + b"x" * n + b'"}'
        with Http1(connect_unix(edge.admin)) as c:
            try:
                a = edge.call(c, "POST", "/v1/sessions", body)
            except (NoAnswer, ConnectionError):
                continue
            assert a.status == 413, a
    with edge.h2(API) as c:
        s = c.start("POST", "/v1/sessions", {"authorization": f"Bearer {edge.admin_token}",
                                             "content-type": "application/json"}, end=False)
        c.data(s, b"{" + b" " * (3 << 20) + b"}", end=True)
        c.until(lambda: s.over)
        assert s.status == 413
    assert not all_sessions(edge)


def test_as_many_as_allowed(backs):
    with Edge({"services": [{"name": "web", "url": backs[0].url}], "sessions": {"max": 3}}) as e:
        for i in range(3):
            e.session(f"s{i}")
        a = e.api("POST", "/v1/sessions", {})
        assert a.status == 409 and "sessions.max" in a.json()["detail"]
        assert e.api("PUT", "/v1/sessions/s1", {"owner": "x"}).status == 200
        e.end_session("s0")
        e.session("s3")


# --- explain

def test_explain(edge, backs):
    edge.session("peter", {"web": backs[1].url})

    def explain(url, headers=None):
        a = edge.api("POST", "/v1/explain", {"url": url, "headers": headers or {}})
        assert a.status == 200, a
        return a.json()

    e = explain(f"https://web.peter.{ZONE}/x")
    assert (e["outcome"], e["session"], e["service"], e["backend"]) == (
        "backend", "peter", "web", "session")
    e = explain(f"https://api.{ZONE}/x", {"baggage": "linkup-session=peter"})
    assert (e["session"], e["service"], e["backend"]) == ("peter", "api", "shared")
    e = explain(f"https://web.gone.{ZONE}/")
    assert (e["outcome"], e["status"]) == ("unknown-session", 404)
    for body in ({}, {"url": "x"}, {"url": 1}, {"url": "https://x", "headers": []},
                 {"url": "https://x", "headers": {"a": 1}}, {"url": "https://x", "more": 1}):
        assert edge.api("POST", "/v1/explain", body).status == 422, body


# --- in force when answered

TRIES = 300 if SANITIZED else 1000


def test_a_session_is_served_everywhere_the_moment_it_is_answered(edge, backs):
    """And refused the moment its end is. Connections that stay spread over the workers; a fresh one
    each time besides, over the session's own certificate every tenth time."""
    context = edge.tls_context()
    held = [edge.h1("web." + ZONE) for _ in range(6)]
    shared, mine = backs
    for b in backs:
        b.keep_raw = False
        b.forget()
    bad = []
    with Http1(connect_unix(edge.admin)) as api:
        for i in range(TRIES):
            name = f"n{i % 7}-{i}" if i % 3 else "again"
            one_label = f"web--{name}.{ZONE}"
            a = edge.call(api, "PUT", f"/v1/sessions/{name}", {"services": {"web": mine.url}})
            assert a.status == 201, a
            for c in held:
                a = c.request(host=one_label)
                if a.status != 200 or a.get("x-backend") != "mine":
                    bad.append((name, "made", a))
            host = f"web.{name}.{ZONE}" if i % 10 == 0 else one_label
            with Http1(edge.tls(host, context=context), host) as c:
                a = c.request()
                if a.status != 200 or a.get("x-backend") != "mine":
                    bad.append((name, "made, fresh", a))
            assert edge.call(api, "DELETE", f"/v1/sessions/{name}").status == 204
            for c in held:
                a = c.request(host=one_label)
                if a.status != 404:
                    bad.append((name, "ended", a))
            with Http1(edge.tls(one_label, context=context), one_label) as c:
                a = c.request()
                if a.status != 404:
                    bad.append((name, "ended, fresh", a))
            assert not bad, bad
    for c in held:
        c.close()
    assert not shared.seen(), "nobody may mistake the shared copy for a session"


def test_a_change_is_in_force_when_answered(edge, backs):
    edge.session("peter", {"web": backs[1].url})
    held = [edge.h1("web." + ZONE) for _ in range(6)]
    with Http1(connect_unix(edge.admin)) as api:
        for i in range(100):
            back = backs[i % 2]
            a = edge.call(api, "PATCH", "/v1/sessions/peter", {"services": {"web": back.url}})
            assert a.status == 200
            for c in held:
                assert c.request(host="web--peter." + ZONE).get("x-backend") == back.name
    for c in held:
        c.close()


def test_a_change_touches_no_other_session(edge, backs):
    """A download of one session goes on while others come, change and go, and its own changes."""
    step = threading.Semaphore(0)

    def slow(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n")
        for _ in range(30):
            assert step.acquire(timeout=PATIENCE)
            c.send(b"0123456789")

    backs[1].on("/slow", slow)
    edge.session("peter", {"web": backs[1].url})
    with edge.h1("web.peter." + ZONE) as c:
        c.send(f"GET /slow HTTP/1.1\r\nHost: web.peter.{ZONE}\r\n\r\n".encode())
        assert c.head().status == 200
        for i in range(30):
            edge.session(f"x{i % 3}", {"web": backs[i % 2].url})
            if i == 10:
                edge.session("peter", {"web": backs[0].url})
            if i == 20:
                edge.end_session("peter")
            step.release()
            assert c.take(10) == b"0123456789"
    backs[1].scripts.clear()


# --- lifetimes and events

class Events:
    """A listener over the admin socket."""

    def __init__(self, edge, last_id=None):
        self.c = Http1(connect_unix(edge.admin))
        fields = {"last-event-id": last_id} if last_id else {}
        lines = "".join(f"{n}: {v}\r\n" for n, v in fields.items())
        self.c.send(f"GET /v1/events HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        head = self.c.head()
        assert head.status == 200 and head.get("content-type") == "text/event-stream"
        self.text, self.id = "", None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.c.close()

    def next(self):
        """The next event: (name, data)."""
        while True:
            while "\n\n" not in self.text:
                # pylint: disable=protected-access
                size = int(self.c._until(b"\r\n"), 16)
                assert size, "the stream ended"
                self.text += self.c.take(size).decode()
                self.c.take(2)
            block, self.text = self.text.split("\n\n", 1)
            lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if "event" in lines:
                self.id = lines["id"]
                return lines["event"], json.loads(lines["data"])

    def session(self, change, name):
        while True:
            event, data = self.next()
            if event == "session" and data["change"] == change and data["session"]["name"] == name:
                return data["session"]


def test_events(edge):
    with Events(edge) as e:
        edge.session("peter", owner="me")
        edge.session("peter", owner="you")
        edge.end_session("peter")
        seen = [e.next() for _ in range(3)]
        assert [(n, d["change"], d["session"]["name"]) for n, d in seen] == [
            ("session", "created", "peter"), ("session", "changed", "peter"),
            ("session", "deleted", "peter")]
        last = e.id
    edge.session("mary")
    with Events(edge, last) as e:
        assert e.next()[1]["session"]["name"] == "mary", "what was missed comes first"
    with Events(edge, "1-1") as e:
        assert e.next()[0] == "reset"
    with edge.h1(API) as c:
        assert c.request(target="/v1/events").status == 401


def test_many_listeners(edge):
    listeners = [Events(edge) for _ in range(20)]
    for i in range(100):
        edge.session(f"s{i % 5}", owner=str(i))
    for e in listeners:
        for _ in range(20):
            e.next()
        e.c.close()
    wait_until(lambda: edge.api("GET", "/v1/status").json()["event_listeners"] == 0,
               "listeners to be forgotten")


def test_a_listener_that_does_not_read_is_ended(edge):
    """20 MB of events: they are not kept for it."""
    before = edge.rss_kib()
    big = {f"x{i}": "http://192.0.2.1/" + "x" * 200 for i in range(60)}
    with Events(edge) as deaf, Http1(connect_unix(edge.admin)) as api:
        for i in range(1000):
            a = edge.call(api, "PUT", "/v1/sessions/big", {"services": big, "owner": str(i)})
            assert a.status in (200, 201)
        wait_until(lambda: edge.api("GET", "/v1/status").json()["event_listeners"] == 0,
                   "the listener to be ended")
        assert edge.rss_kib() - before < 20000 or SANITIZED
        assert deaf.c.ends() is not None


def test_expiry(edge, backs):
    """`ttl` from the last change; with its routes it goes."""
    with Events(edge) as e:
        edge.session("short", {"web": backs[1].url}, ttl="1s")
        edge.session("long", {"web": backs[1].url}, ttl="1d")
        edge.session("pinned", {"web": backs[1].url}, ttl="1s", pinned=True)
        assert edge.get("web.long." + ZONE).get("x-backend") == "mine"
        e.session("expired", "short")
        assert edge.get("web.short." + ZONE).status == 404
        assert edge.api("GET", "/v1/sessions/short").status == 404
        for name in ("long", "pinned"):
            assert edge.get(f"web.{name}." + ZONE).get("x-backend") == "mine"
        assert edge.api("GET", "/v1/sessions/pinned").json()["expires"] is None


def test_a_session_in_use_lives_on(edge, backs):
    """`ttl` from the last change or use."""
    made = edge.session("used", {"web": backs[1].url}, ttl="5s")
    end = datetime.datetime.fromisoformat(made["expires"].replace("Z", "+00:00"))
    with edge.h1("web.used." + ZONE) as c:
        while datetime.datetime.now(datetime.timezone.utc) < end + datetime.timedelta(seconds=1):
            assert c.request().status == 200
            edge.probe("/healthz")  # no need for more than a few hundred requests


def test_extending(edge):
    with Events(edge) as e:
        edge.session("first", ttl="3s")
        edge.session("second", ttl="4s")
        assert edge.api("POST", "/v1/sessions/first/extend", {"ttl": "1d"}).status == 200
        e.session("expired", "second")
        assert edge.api("GET", "/v1/sessions/first").status == 200


def test_expiry_while_the_edge_is_away(backs):
    with Edge({"services": [{"name": "web", "url": backs[0].url}]}) as e:
        expires = e.session("short", ttl="1s")["expires"]
        e.session("long", ttl="1d")
        e.stop()
        end = datetime.datetime.fromisoformat(expires.replace("Z", "+00:00"))
        wait_until(lambda: datetime.datetime.now(datetime.timezone.utc) > end, "its end")
        e.start()
        assert [s["name"] for s in all_sessions(e)] == ["long"]
        assert e.get("web.short." + ZONE).status == 404


def test_the_admin_socket_and_https_are_one(edge):
    over_https(edge, "PUT", "/v1/sessions/a", {}, edge.tokens["session"])
    assert edge.api("GET", "/v1/sessions/a").status == 200
    assert edge.api("PATCH", "/v1/sessions/a", {"owner": "root"}).status == 200
    assert over_https(edge, "GET", "/v1/sessions/a",
                      token=edge.tokens["read"]).json()["owner"] == "root"


def test_a_client_that_goes_before_its_answer(edge):
    """The change is carried out all the same, and nothing is left of the call."""
    for i in range(50):
        c = Http1(connect_unix(edge.admin))
        body = b'{"owner":"gone"}'
        c.send(b"PUT /v1/sessions/g%d HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n%s" % (i, len(body), body))
        c.close()
    edge.session("after")
    assert edge.api("GET", "/v1/status").status == 200
