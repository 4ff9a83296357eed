"""Which session and service a request is for. The table below names each case of the reference
(what the original Linkup does, and what went wrong there) that concerns hosts, context and names;
headers and cookies are in test_forwarding.py, names and tokens in test_sessions.py too."""

import json

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.pki import Issuer

SHOP = "shop.example.org"  # a domain outside the zone
NAMES = ["web", "api", "auth", "peter-web", "mary-api", "own-api", "own-new"]


@pytest.fixture(name="backs", scope="module")
def fixture_backs():
    backs = {n: Backend(n) for n in NAMES}
    yield backs
    for b in backs.values():
        b.close()


def config(backs):
    return {
        "services": [
            {"name": "web", "url": backs["web"].url},
            {"name": "api", "url": backs["api"].url + "/base",
             "rewrites": [{"source": "^/api/(.*)", "target": "/$1"},
                          {"source": "^/twice/(.)(.*)", "target": "/api/$2$1"},
                          {"source": "^/bare/(.*)", "target": "$1"}]},
            {"name": "auth", "url": backs["auth"].url},
        ],
        "domains": [
            {"domain": ZONE, "default_service": "web",
             "routes": [{"path": "^/api/", "service": "api"}, {"path": "upload", "service": "auth"},
                        {"path": "^/api/never", "service": "auth"}]},
            {"domain": "api." + ZONE, "default_service": "api",
             "routes": [{"path": "^/login", "service": "auth"}]},
            {"domain": "app." + ZONE, "default_service": "web"},
            {"domain": "deep.app." + ZONE, "default_service": "auth"},
            {"domain": SHOP, "default_service": "web",
             "routes": [{"path": "/api/v1/.*", "service": "api"}]},
        ],
        "certificates": {"files": [{"cert": "shop.pem", "key": "shop.key"}]},
    }


@pytest.fixture(name="edge", scope="module")
def fixture_edge(backs):
    e = Edge(start=False)
    issuer = Issuer()
    issuer.write(e.folder, "shop", [SHOP, "*." + SHOP])
    e.write(**config(backs))
    with e:
        e.start()
        e.context, e.h2_context = e.tls_context(), e.tls_context(("h2",))
        for context in (e.context, e.h2_context):
            context.load_verify_locations(cadata=issuer.pem)
        e.session("peter", {"web": backs["peter-web"].url})
        e.session("mary", {"api": backs["mary-api"].url})
        e.session("own", {"api": backs["own-api"].url, "new": backs["own-new"].url},
                  domains=[{"domain": "app." + ZONE, "default_service": "new",
                            "routes": [{"path": "^/v2/", "service": "api"}]},
                           {"domain": "own.example.net", "default_service": "new"},
                           {"domain": "new." + ZONE, "default_service": "new"}],
                  rewrites=[{"source": "^/old/(.*)", "target": "/api/$1"}])
        e.session("gone", {"web": backs["peter-web"].url})
        e.end_session("gone")
        yield e


def ask(edge, host, path="/", fields=(), sni=None, method="GET"):
    name = (sni or host).lower().rstrip(".").split(":")[0]
    with Http1(edge.tls(name, context=edge.context), host) as c:
        return c.request(method, path, fields)


def where(answer):
    return answer.get("x-backend") if answer.status == 200 else answer.status


B, T, R, O = "baggage", "tracestate", "referer", "origin"
S = "linkup-session="


def url(host, path="/"):
    return f"https://{host}.{ZONE}{path}"


# name of the case, host, path, fields, the backend that answers or the status
CASES = [
    # --- the host table
    ("the edge's own host", "edge." + ZONE, "/v1/nothing", {}, 404),
    ("a domain's default service", ZONE, "/", {}, "web"),
    ("a domain's route", ZONE, "/api/x", {}, "api"),
    ("routes are not anchored", ZONE, "/x/upload/y", {}, "auth"),
    ("the first route that matches wins", ZONE, "/api/upload", {}, "api"),
    ("a route sees the path, not the query", ZONE, "/?x=/api/", {}, "web"),
    ("a domain before a service of its name", "api." + ZONE, "/login", {}, "auth"),
    ("a domain outside the zone", SHOP, "/", {}, "web"),
    ("a domain outside the zone: route", SHOP, "/x/api/v1/y", {}, "api"),
    ("a service's host", "auth." + ZONE, "/", {}, "auth"),
    ("a session of the zone's domain", "peter." + ZONE, "/", {}, "peter-web"),
    ("a session of the zone's domain: route", "mary." + ZONE, "/api/x", {}, "mary-api"),
    ("what is not overridden is shared", "peter." + ZONE, "/api/x", {}, "api"),
    ("a session of another domain", "peter.app." + ZONE, "/", {}, "peter-web"),
    ("a session of a domain outside", "peter." + SHOP, "/", {}, "peter-web"),
    ("a session's service", "web.peter." + ZONE, "/", {}, "peter-web"),
    ("a session's shared service", "auth.peter." + ZONE, "/", {}, "auth"),
    ("a session's service, in one label", "web--peter." + ZONE, "/", {}, "peter-web"),
    ("routes of the service's domain", "api.mary." + ZONE, "/login", {}, "auth"),
    ("routes of the service's domain, one label", "api--mary." + ZONE, "/login", {}, "auth"),
    ("a longer domain first", "deep.app." + ZONE, "/", {}, "auth"),
    ("a session of the longer domain", "peter.deep.app." + ZONE, "/", {}, "auth"),
    ("upper case", "WEB.Peter." + ZONE.upper(), "/", {}, "peter-web"),
    ("a final dot", f"web.peter.{ZONE}.", "/", {}, "peter-web"),
    ("'ports in hosts not stripped'", f"web.peter.{ZONE}:8443", "/", {}, "peter-web"),
    # --- a host that names a session that is not: never the shared copy
    ("a session that never was", "web.nobody." + ZONE, "/", {}, 404),
    ("a session that never was, one label", "web--nobody." + ZONE, "/", {}, 404),
    ("a session that never was, of a domain", "nobody." + ZONE, "/", {}, 404),
    ("a session that never was, of another domain", "nobody.app." + ZONE, "/", {}, 404),
    ("a session that never was, outside", "nobody." + SHOP, "/", {}, 404),
    ("a session that has ended", "web.gone." + ZONE, "/", {}, 404),
    ("a session that has ended, whatever the context", "web.gone." + ZONE, "/", {B: S + "peter"}, 404),
    ("a service that is none", "none.peter." + ZONE, "/", {}, 404),
    ("a service that is another session's", "new.peter." + ZONE, "/", {}, 404),
    ("a service that only this session has", "new.own." + ZONE, "/", {}, "own-new"),
    ("a label that is neither", "neither." + ZONE, "/", {}, 404),
    # --- context, in its order
    ("baggage", "web." + ZONE, "/", {B: S + "peter"}, "peter-web"),
    ("tracestate", "web." + ZONE, "/", {T: S + "peter"}, "peter-web"),
    ("referer", "web." + ZONE, "/", {R: url("web.peter", "/x?y")}, "peter-web"),
    ("origin", "web." + ZONE, "/", {O: url("web.peter", "")}, "peter-web"),
    ("referer in one label", "web." + ZONE, "/", {R: url("web--peter")}, "peter-web"),
    ("referer of a session of a domain", "web." + ZONE, "/", {R: url("peter.app")}, "peter-web"),
    ("referer with a port", "web." + ZONE, "/", {R: f"https://web.peter.{ZONE}:8443/"}, "peter-web"),
    ("referer over http", "web." + ZONE, "/", {R: f"http://web.peter.{ZONE}/"}, "peter-web"),
    ("referer in upper case", "web." + ZONE, "/", {R: f"HTTPS://WEB.PETER.{ZONE.upper()}/"},
     "peter-web"),
    ("baggage before tracestate", "web." + ZONE, "/", {B: S + "mary", T: S + "peter"}, "web"),
    ("tracestate before referer", "web." + ZONE, "/", {T: S + "mary", R: url("web.peter")}, "web"),
    ("referer before origin", "web." + ZONE, "/", {R: url("web.mary"), O: url("web.peter", "")},
     "web"),
    ("context that names a dead session counts as none", "web." + ZONE, "/", {B: S + "gone"}, "web"),
    ("a dead one does not silence the next", "web." + ZONE, "/",
     {B: S + "gone", T: S + "none", R: url("web.gone"), O: url("web.peter", "")}, "peter-web"),
    ("the host before the context", "web.mary." + ZONE, "/", {B: S + "peter"}, "web"),
    ("a domain with context", ZONE, "/", {B: S + "peter"}, "peter-web"),
    ("'a referer of a session while the host is another domain' (iframes)", SHOP, "/",
     {R: url("peter", "/page")}, "peter-web"),
    ("'conflicting host breaking iframes': origin and host differ", SHOP, "/api/v1/x",
     {O: url("web.mary", ""), R: url("web.mary", "/")}, "mary-api"),
    # --- keys and hosts are matched whole
    ("'contains(linkup-session=x) matching xy': a longer value", "web." + ZONE, "/",
     {B: S + "peter2"}, "web"),
    ("a shorter value", "web." + ZONE, "/", {B: S + "pete"}, "web"),
    ("a longer key", "web." + ZONE, "/", {B: "x" + S + "peter"}, "web"),
    ("a key in upper case", "web." + ZONE, "/", {B: "Linkup-Session=peter"}, "web"),
    ("a value in upper case", "web." + ZONE, "/", {B: S + "PETER"}, "web"),
    ("the key as a value", "web." + ZONE, "/", {B: "a=" + S + "peter"}, "web"),
    ("the key as a property", "web." + ZONE, "/", {B: "a=1;" + S + "peter"}, "web"),
    ("tracestate: a tenant's key", "web." + ZONE, "/", {T: "x@" + S + "peter"}, "web"),
    ("'ends_with taking notexample.com'", "web." + ZONE, "/",
     {R: f"https://web.peter.not{ZONE}/"}, "web"),
    ("the zone as the front of another host", "web." + ZONE, "/",
     {R: f"https://web.peter.{ZONE}.evil.example/"}, "web"),
    ("the zone as a user", "web." + ZONE, "/", {R: f"https://web.peter.{ZONE}@evil.example/"}, "web"),
    ("the zone in a path", "web." + ZONE, "/", {R: f"https://evil.example/web.peter.{ZONE}/"}, "web"),
    ("an origin that is null", "web." + ZONE, "/", {O: "null"}, "web"),
    ("an origin with a path is none", "web." + ZONE, "/", {O: url("web.peter", "/x")}, "web"),
    ("a referer that is a path", "web." + ZONE, "/", {R: f"/web.peter.{ZONE}/"}, "web"),
    ("x-forwarded-host is no context", "web." + ZONE, "/",
     {"x-forwarded-host": f"web.peter.{ZONE}"}, "web"),
    ("linkup-session from outside is none", "web." + ZONE, "/", {"linkup-session": "peter"}, "web"),
    ("linkup-destination from outside is none", "web." + ZONE, "/",
     {"linkup-destination": "auth"}, "web"),
    ("forwarded is no context", "web." + ZONE, "/", {"forwarded": f"host=web.peter.{ZONE}"}, "web"),
    ("a cookie is no context", "web." + ZONE, "/", {"cookie": S + "peter"}, "web"),
    # --- the forms of W3C baggage and tracestate
    ("among others", "web." + ZONE, "/", {B: f"a=1, {S}peter ,b=2"}, "peter-web"),
    ("with properties", "web." + ZONE, "/", {B: f"{S}peter;ttl=5;x"}, "peter-web"),
    ("white space around =", "web." + ZONE, "/", {B: "linkup-session = peter"}, "peter-web"),
    ("percent-encoded", "web." + ZONE, "/", {B: S + "%70eter"}, "peter-web"),
    ("broken percent-encoding", "web." + ZONE, "/", {B: S + "%7"}, "web"),
    ("encoded NUL", "web." + ZONE, "/", {B: S + "peter%00"}, "web"),
    ("empty members", "web." + ZONE, "/", {B: f",, ,{S}peter,"}, "peter-web"),
    ("the first of two counts", "web." + ZONE, "/", {B: f"{S}peter,{S}mary"}, "peter-web"),
    ("several lines", "web." + ZONE, "/", [(B, "a=1"), (B, S + "peter")], "peter-web"),
    ("the 64th member", "web." + ZONE, "/",
     {B: ",".join([f"k{i}=1" for i in range(63)] + [S + "peter"])}, "peter-web"),
    ("the 65th member", "web." + ZONE, "/",
     {B: ",".join([f"k{i}=1" for i in range(64)] + [S + "peter"])}, "web"),
    ("beyond 8192 bytes", "web." + ZONE, "/", {B: "a=" + "x" * 8190 + "," + S + "peter"}, "web"),
    ("tracestate among others", "web." + ZONE, "/", {T: f"a=1,{S}peter\t,b=2"}, "peter-web"),
    ("tracestate: the 32nd", "web." + ZONE, "/",
     {T: ",".join([f"k{i}=1" for i in range(31)] + [S + "peter"])}, "peter-web"),
    ("tracestate: the 33rd", "web." + ZONE, "/",
     {T: ",".join([f"k{i}=1" for i in range(32)] + [S + "peter"])}, "web"),
    ("garbage in all of them", "web." + ZONE, "/",
     {B: "=,;=;,\"", T: ",,==,", R: "::::", O: "https://"}, "web"),
    # --- a session's own domains and rewrites stand before the edge's
    ("a session's own domain, its host", "own.app." + ZONE, "/", {}, "own-new"),
    ("a session's own domain: route", "own.app." + ZONE, "/v2/x", {}, "own-api"),
    ("a session's own domain by context", "app." + ZONE, "/", {B: S + "own"}, "own-new"),
    ("a session's own domain by context: route", "app." + ZONE, "/v2/", {B: S + "own"}, "own-api"),
    ("others are not touched by it", "app." + ZONE, "/", {B: S + "peter"}, "peter-web"),
    ("nor those without a session", "app." + ZONE, "/", {}, "web"),
    ("a service's name as own domain", "new." + ZONE, "/", {B: S + "own"}, "own-new"),
    ("that name for others", "new." + ZONE, "/", {}, 404),
]


@pytest.mark.parametrize("front", ["h1", "h2"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_table(edge, case, front):
    name, host, path, fields, expected = case
    if front == "h1":
        assert where(ask(edge, host, path, fields)) == expected, name
        return
    sni = host.lower().rstrip(".").split(":")[0]
    with edge.h2(host, sni=sni, context=edge.h2_context) as c:
        assert where(c.request(path=path, fields=fields)) == expected, name


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_explain_says_the_same(edge, case):
    """POST /v1/explain asks the routing code itself."""
    _, host, path, fields, expected = case
    if host.startswith("edge."):
        return
    headers = {}
    for n, v in (fields.items() if isinstance(fields, dict) else fields):
        headers.setdefault(n, []).append(v)
    e = edge.api("POST", "/v1/explain", {"url": f"https://{host}{path}", "headers": headers}).json()
    if isinstance(expected, int):
        assert e["status"] == expected and e["backend"] is None, e
    else:
        service = expected.split("-")[-1]
        assert (e["outcome"], e["service"]) == ("backend", service), e
        assert e["backend"] == ("session" if "-" in expected else "shared"), e


# --- paths

PATHS = [
    ("a rewrite", "api." + ZONE, "/api/x/y", "/base/x/y"),
    ("the query is kept", "api." + ZONE, "/api/x?a=%20&b=/api/&c", "/base/x?a=%20&b=/api/&c"),
    ("each in order", "api." + ZONE, "/twice/ab", "/base/api/ba"),
    ("a slash is put in front", "api." + ZONE, "/bare/x", "/base/x"),
    ("no rewrite: 'base path of a location lost'", "api." + ZONE, "/other/", "/base/other/"),
    ("the root", "api." + ZONE, "/", "/base/"),
    ("encoded bytes stay", "api." + ZONE, "/api/%2e%2E/%00?%", "/base/%2e%2E/%00?%"),
    ("dots stay", "api." + ZONE, "/a/../b//c", "/base/a/../b//c"),
    ("an empty query", "api." + ZONE, "/x?", "/base/x?"),
    ("a shared host without base", "web." + ZONE, "/x?y", "/x?y"),
    ("the shared service's rewrite in a session", "api.mary." + ZONE, "/api/x", "/x"),
    ("the session's rewrite first, then the service's", "api.own." + ZONE, "/old/x", "/x"),
    ("the session's rewrite, another service", "web.own." + ZONE, "/old/x", "/api/x"),
]


@pytest.mark.parametrize("case", PATHS, ids=lambda c: c[0])
def test_paths(edge, case):
    _, host, path, expected = case
    assert ask(edge, host, path).json()["target"] == expected


def test_rewrites_of_an_override(edge, backs):
    edge.session("re", {"web": {"url": backs["peter-web"].url + "/deep/", "rewrites": [
        {"source": "^/(a+)/(b*)", "target": "/$2$1"}]}})
    assert ask(edge, "web.re." + ZONE, "/aa/bbb?q").json()["target"] == "/deep/bbbaa?q"
    assert ask(edge, "web.re." + ZONE, "/x").json()["target"] == "/deep/x"


def test_a_costly_regex_is_cut_off(edge, backs):
    """PCRE2's match limit: a session's regex must not hold up everybody."""
    edge.session("slow", {"web": {"url": backs["peter-web"].url, "rewrites": [
        {"source": "^(/|a+)+$", "target": "/x"}]}})
    a = ask(edge, "web.slow." + ZONE, "/" + "a" * 200 + "!")
    assert a.status in (200, 414, 500, 502)
    assert ask(edge, "web." + ZONE).status == 200


# --- explain fields

def test_explain_fields(edge):
    def explain(host, path="/", fields=()):
        a = ask(edge, host, path, {**dict(fields), "linkup-explain": "1"})
        return [a.get("linkup-" + n) for n in ("session", "service", "backend", "rule")]

    assert explain("web.peter." + ZONE)[:3] == ["peter", "web", "session"]
    assert explain("web." + ZONE)[:3] == [None, "web", "shared"]
    rule = explain("api." + ZONE, "/login", {B: S + "peter"})
    assert rule[:3] == ["peter", "auth", "shared"]
    assert "baggage" in rule[3] and "^/login" in rule[3]
    assert explain("web.nobody." + ZONE)[2] is None
    for host in ("web.peter." + ZONE, "web." + ZONE, "none.peter." + ZONE):
        text = json.dumps(ask(edge, host, fields={"linkup-explain": "1"}).fields)
        assert "127.0.0.1" not in text, "never an address"
    for value in ("0", "true", ""):
        a = ask(edge, "web." + ZONE, fields={"linkup-explain": value})
        assert not [n for n, _ in a.fields if n.startswith("linkup-")]
    assert not [n for n, _ in ask(edge, "web." + ZONE).fields if n.startswith("linkup-")]


def test_explain_fields_of_a_tunnel(edge):
    edge.session("tun", {"api": {"tunnel": True}})
    a = ask(edge, "api.tun." + ZONE, fields={"linkup-explain": "1"})
    assert a.status == 503 and a.get("linkup-backend") == "tunnel"


def test_a_tunnel_may_fall_back(edge):
    edge.session("tun", {"api": {"tunnel": True, "fallback": "shared"}})
    assert where(ask(edge, "api.tun." + ZONE)) in ("api", 503)


def test_pages_name_what_there_is(edge):
    a = ask(edge, "none.peter." + ZONE)
    text = a.body.decode()
    assert a.status == 404
    for word in ("none", "peter", "web", "api", "auth"):
        assert word in text
    a = ask(edge, "web.nobody." + ZONE)
    assert "nobody" in a.body.decode() and "127.0.0.1" not in a.body.decode()


# --- coalesced connections

def test_one_connection_for_many_hosts(edge):
    """Browsers share an h2 connection among the hosts of its certificate: each gets its own."""
    with edge.h2("web." + ZONE) as c:
        for host, want in (("api." + ZONE, "api"), ("web--peter." + ZONE, "peter-web"),
                           ("peter." + ZONE, "peter-web"), (ZONE, "web"), ("nobody." + ZONE, 404),
                           ("app." + ZONE, "web"), ("web--nobody." + ZONE, 404)):
            assert where(c.request(host=host)) == want, host
        streams = [(c.start(host=f"{h}.{ZONE}"), w) for h, w in
                   [("web--peter", "peter-web"), ("web", "web"), ("auth", "auth")] * 10]
        for s, want in streams:
            assert where(c.finish(s)) == want


def test_hosts_that_the_certificate_does_not_cover(edge):
    with edge.h2("web.peter." + ZONE) as c:
        for host in ("web." + ZONE, "web.mary." + ZONE, "example.com", SHOP, "edge." + ZONE,
                     "x.web.peter." + ZONE):
            s = c.request(host=host)
            assert s.status == 421 and s.get("x-backend") is None, host
        assert where(c.request()) == "peter-web", "the connection goes on"
        assert where(c.request(host="api.peter." + ZONE)) == "api"


# --- settings

def test_require_session(backs):
    with Edge({"services": config(backs)["services"], "require_session": True}) as e:
        e.session("peter", {"web": backs["peter-web"].url})
        a = e.get("web." + ZONE)
        assert a.status == 422 and b"session" in a.body
        assert e.get("web." + ZONE, fields={B: S + "nobody"}).status == 422
        assert e.get("web." + ZONE, fields={B: S + "peter"}).get("x-backend") == "peter-web"
        assert e.get("api.peter." + ZONE).get("x-backend") == "api"
        assert e.get("web.nobody." + ZONE).status == 404
        assert e.get("edge." + ZONE, "/v1/ca.pem").status == 200
        assert e.api("POST", "/v1/explain", {"url": f"https://web.{ZONE}/"}).json()["status"] == 422


def test_a_session_without_anything_is_shared(edge):
    edge.session("empty")
    assert where(ask(edge, "web.empty." + ZONE)) == "web"
    assert where(ask(edge, "empty." + ZONE)) == "web"


def test_host_is_the_backends_or_the_clients(edge, backs):
    back = backs["peter-web"]
    ask(edge, "web.peter." + ZONE)
    assert back.last.get("host") == back.authority
    edge.session("keep", {"web": {"url": back.url, "host": "preserve"}})
    ask(edge, f"web.keep.{ZONE}")
    assert back.last.get("host") == f"web.keep.{ZONE}"


def test_loops_are_cut(edge):
    """A backend that leads back to this edge: 508, not a storm."""
    edge.session("loop", {"web": {"url": f"http://127.0.0.1:{edge.http}"}})
    a = ask(edge, "web.loop." + ZONE, fields={"via": ", ".join(["1.1 linkup"] * 8)})
    assert a.status == 508
    a = ask(edge, "web.loop." + ZONE, fields={"via": ", ".join(["1.1 linkup"] * 7 + ["1.1 other"] * 9)})
    assert a.status != 508


def test_people_at_the_edge_itself():
    """A browser gets a page that says where it is; programs the API's answer."""
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    with Edge() as e:
        for get in (e.get, e.get2):
            a = get("edge." + ZONE, "/", browser)
            assert a.status == 200 and a.get("content-type").startswith("text/html")
            assert b'href="/v1/ca.pem"' in a.body and ZONE.encode() in a.body
            for fields, path in ({}, "/"), ({"accept": "application/json"}, "/"), (browser, "/v1/nothing"):
                a = get("edge." + ZONE, path, fields)
                assert a.status == 404 and a.get("content-type") == "application/problem+json"
