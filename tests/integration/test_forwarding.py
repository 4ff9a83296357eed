"""What is forwarded, and how it is changed on the way: section 4, for both fronts."""

import json
import re
import threading

import pytest

from support.backend import Backend, reply
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import PATIENCE, connect
from support.pki import Issuer

HOST = "web." + ZONE
SESSION = "web.peter." + ZONE


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url},
                            {"name": "api", "url": back.url + "/base"}]}) as e:
        e.session("peter", {"web": back.url})
        yield e


@pytest.fixture(name="front", params=["h1", "h2"])
def fixture_front(request):
    return request.param


@pytest.fixture(autouse=True)
def fixture_fresh(back):
    back.forget()
    back.scripts.clear()


def ask(edge, front, host=HOST, path="/", fields=(), method="GET", body=None):
    get = edge.get if front == "h1" else edge.get2
    return get(host, path, fields, method, body)


def sent(edge, back, front, fields=(), host=HOST, path="/", method="GET", body=None):
    """The request as the backend got it."""
    a = ask(edge, front, host, path, fields, method, body)
    assert a.status == 200, a
    return back.last


# --- hop-by-hop fields

def test_hop_by_hop_fields_end_here_h1(edge, back):
    r = sent(edge, back, "h1", [
        ("connection", "close, x-secret, X-Other"), ("x-secret", "1"), ("x-other", "2"),
        ("keep-alive", "timeout=5"), ("proxy-connection", "keep-alive"), ("te", "trailers, gzip"),
        ("upgrade", "h2c"), ("proxy-authorization", "Basic eA=="), ("x-kept", "3")])
    for name in ("x-secret", "x-other", "keep-alive", "proxy-connection", "upgrade",
                 "proxy-authorization", "transfer-encoding"):
        assert r.get(name) is None, name
    assert r.get("x-kept") == "3"
    assert (r.get("connection") or "te") in ("te", "keep-alive", "keep-alive, te", "te, keep-alive")
    assert r.get("te") in (None, "trailers")


def test_connection_cannot_take_away_what_the_edge_says(edge, back):
    """Naming fields in `connection` must not make them vanish behind the edge (hop-by-hop abuse)."""
    r = sent(edge, back, "h1", [
        ("connection", "x-forwarded-for, forwarded, traceparent, host, x-request-id, baggage, "
                       "tracestate, via, x-forwarded-host, cookie, content-length")],
        host=SESSION, method="POST", body=b"abc")
    for name in ("x-forwarded-for", "forwarded", "traceparent", "host", "x-request-id", "baggage",
                 "tracestate", "via", "x-forwarded-host"):
        assert r.get(name), name
    assert r.body == b"abc"


def test_answers_lose_their_hop_by_hop_fields(edge, back, front):
    back.on("/", b"HTTP/1.1 200 OK\r\nConnection: keep-alive, x-secret\r\nX-Secret: 1\r\n"
                 b"Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nX-Kept: 2\r\n"
                 b"Content-Length: 0\r\n\r\n")
    a = ask(edge, front)
    for name in ("x-secret", "keep-alive", "proxy-connection", "upgrade", "connection"):
        assert a.get(name) is None, name
    assert a.get("x-kept") == "2"


# --- what is added

def test_forwarded_fields(edge, back, front):
    r = sent(edge, back, front, host=SESSION)
    authority = f"{SESSION}:{edge.https}"
    assert r.all("x-forwarded-for") == ["127.0.0.1"]
    assert r.all("x-forwarded-proto") == ["https"]
    assert r.all("x-forwarded-host") == [authority]
    assert r.all("x-forwarded-port") == [str(edge.https)]
    assert r.all("forwarded") == [f'for=127.0.0.1;host="{authority}";proto=https']
    assert r.get("host") == back.authority


def test_forwarded_fields_from_outside_are_not_believed(edge, back, front):
    claims = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "http"),
              ("x-forwarded-host", "evil.example"), ("x-forwarded-port", "1"),
              ("forwarded", "for=6.6.6.6"), ("x-forwarded-prefix", "/evil"),
              ("x-forwarded-server", "evil"), ("x_forwarded_for", "6.6.6.6")]
    r = sent(edge, back, front, claims)
    text = r.head.decode("latin-1")
    assert "6.6.6.6" not in text and "evil" not in text
    assert r.all("x-forwarded-proto") == ["https"]


def test_forwarded_fields_of_trusted_proxies_are_added_to(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}],
               "trusted_proxies": ["127.0.0.0/8"], "public_port": 443}) as e:
        r = sent(e, back, front, [("x-forwarded-for", "6.6.6.6, 7.7.7.7"),
                                  ("x-forwarded-for", "8.8.8.8"),
                                  ("x-forwarded-proto", "http"),
                                  ("x-forwarded-host", "outer.example"),
                                  ("forwarded", "for=6.6.6.6")])
        assert r.get("x-forwarded-for") == "6.6.6.6, 7.7.7.7, 8.8.8.8, 127.0.0.1"
        assert len(r.all("x-forwarded-for")) == 1
        assert r.all("x-forwarded-proto") == ["http"]
        assert r.all("x-forwarded-host") == ["outer.example"]
        assert r.get("forwarded") == f"for=6.6.6.6, for=127.0.0.1;host={HOST};proto=https"


def test_ipv6_clients(edge, back):
    raw = connect(edge.https6, "::1")
    with Http1(edge.tls_context().wrap_socket(raw, server_hostname=HOST), HOST) as c:
        assert c.request().status == 200
    assert back.last.get("x-forwarded-for") == "::1"
    assert back.last.get("forwarded").startswith('for="[::1]";')


def test_request_ids(edge, back, front):
    first, second = (sent(edge, back, front).get("x-request-id") for _ in range(2))
    assert first and second and first != second
    assert sent(edge, back, front, {"x-request-id": "mine"}).all("x-request-id") == ["mine"]


def test_traceparent(edge, back, front):
    made = sent(edge, back, front).get("traceparent")
    m = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0[0-9a-f]", made)
    assert m and int(m[1], 16) and int(m[2], 16)
    mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert sent(edge, back, front, {"traceparent": mine}).all("traceparent") == [mine]


def test_tracestate(edge, back, front):
    """'tracestate appended at the wrong end': ours is moved to the front, 32 members at most."""
    assert sent(edge, back, front).get("tracestate") is None
    assert sent(edge, back, front, {"tracestate": "a=1"}).get("tracestate") == "a=1"

    def state(value):
        r = sent(edge, back, front, [("tracestate", v) for v in value], host=SESSION)
        assert len(r.all("tracestate")) == 1
        return r.get("tracestate").split(",")

    ours = "linkup-session=peter"
    assert state([]) == [ours]
    assert state(["a=1,b=2"]) == [ours, "a=1", "b=2"]
    assert state(["a=1", "b=2"]) == [ours, "a=1", "b=2"]
    assert state([f"a=1,{ours},b=2"]) == [ours, "a=1", "b=2"]
    assert state(["a=1,linkup-session=mary"]) == [ours, "a=1"]
    many = state([",".join(f"k{i}=1" for i in range(32))])
    assert len(many) == 32 and many[0] == ours and many[1:] == [f"k{i}=1" for i in range(31)]


def test_baggage(edge, back, front):
    assert sent(edge, back, front).get("baggage") is None
    assert sent(edge, back, front, {"baggage": "a=1;p"}).get("baggage") == "a=1;p"

    def members(value):
        r = sent(edge, back, front, [("baggage", v) for v in value], host=SESSION)
        assert len(r.all("baggage")) == 1
        return sorted(x.strip() for x in r.get("baggage").split(","))

    ours = "linkup-session=peter"
    assert members([]) == [ours]
    assert members(["a=1;p=2, b=%20"]) == ["a=1;p=2", "b=%20", ours]
    assert members(["a=1", "b=2"]) == ["a=1", "b=2", ours]
    assert members(["linkup-session=mary;x,a=1"]) == ["a=1", ours]
    assert members(["linkup-session=mary,linkup-session=paul"]) == [ours]
    assert len(members([",".join(f"k{i}=1" for i in range(64))])) == 64
    r = sent(edge, back, front, {"baggage": "a=" + "x" * 8180}, host=SESSION)
    assert ours in r.get("baggage") and len(r.get("baggage")) <= 8192


def test_dead_context_is_not_passed_on_as_alive(edge, back, front):
    """A service that reads the field must not see a session that is none."""
    r = sent(edge, back, front, {"baggage": "linkup-session=gone,a=1",
                                 "tracestate": "linkup-session=gone,b=1"})
    assert "gone" not in r.head.decode()
    assert r.get("baggage") == "a=1" and r.get("tracestate") == "b=1"


def test_via(edge, back, front):
    r = sent(edge, back, front, {"via": "1.0 a, 1.1 b"})
    assert r.get("via") == "1.0 a, 1.1 b, " + ("2.0" if front == "h2" else "1.1") + " linkup"
    back.on("/", reply(200, {"via": "1.1 back"}))
    assert ask(edge, front).get("via") == "1.1 back, 1.1 linkup"


def test_fields_of_ours_from_outside_are_dropped(edge, back, front):
    r = sent(edge, back, front, {"linkup-session": "x", "linkup-destination": "x", "linkup-x": "x",
                                 "linkup-explain": "1", "linkup_session": "x", "x-linkup": "kept",
                                 "proxy": "evil:1"})
    assert not [n for n, _ in r.fields if n.startswith(("linkup-", "linkup_"))]
    assert r.get("x-linkup") == "kept"
    assert r.get("proxy") is None, "CVE-2016-5385"


# --- requests as they are

@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND",
                                    "M-SEARCH", "get"])
def test_methods(edge, back, front, method):
    assert sent(edge, back, front, method=method, path="/m").method == method


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS"])
def test_bodies(edge, back, front, method):
    """'DELETE bodies dropped'"""
    r = sent(edge, back, front, {"content-type": "x/y"}, method=method, body=b"body \0\r\n\r\n")
    assert r.body == b"body \0\r\n\r\n" and r.get("content-type") == "x/y" and r.whole


def test_empty_bodies(edge, back, front):
    r = sent(edge, back, front, method="POST", body=b"")
    assert r.body == b"" and (r.get("content-length") == "0" or r.get("transfer-encoding"))
    r = sent(edge, back, front)
    assert r.get("content-length") is None and r.get("transfer-encoding") is None


@pytest.mark.parametrize("path", [
    "/?", "/?a", "/?a=b&a=c", "/%2F%2e%2E", "/a//b", "/..", "/?q=%00%ff", "/;p=1/x",
    "/~!$&'()*+,=:@", "/?/?x", "/a?b#".rstrip("#"), "/" + "a" * 4000 + "?" + "b" * 4000])
def test_targets_are_kept(edge, back, front, path):
    """'query kept'; nothing is normalised on the way."""
    assert sent(edge, back, front, path=path).target == path


def test_base_paths(edge, back, front):
    assert sent(edge, back, front, host="api." + ZONE, path="/x?y").target == "/base/x?y"


def test_fields_are_kept(edge, back, front):
    fields = [("x-one", "a"), ("x-two", "b"), ("x-one", "c"), ("x-empty", ""), ("x-long", "y" * 9000),
              ("x-8bit", "\xe4\xf6"), ("authorization", "Bearer x"), ("accept-encoding", "br"),
              ("range", "bytes=0-1"), ("if-none-match", '"x"'), ("user-agent", "test")]
    r = sent(edge, back, front, fields)
    assert [v for n, v in r.fields if n == "x-one"] == ["a", "c"]
    for n, v in fields:
        assert v in r.all(n), n
    names = [n for n, _ in r.fields if n in dict(fields)]
    assert names == [n for n, _ in fields], "in their order"


def test_cookies_are_rejoined(edge, back):
    """'Comma-joined cookies': RFC 9113 8.2.3 lets clients split them, HTTP/1 wants one line."""
    r = sent(edge, back, "h2", [("cookie", "a=1"), ("cookie", "b=2, 3"), ("cookie", "c=4")])
    assert r.all("cookie") == ["a=1; b=2, 3; c=4"]
    r = sent(edge, back, "h1", [("cookie", "a=1"), ("cookie", "b=2")])
    assert r.all("cookie") == ["a=1; b=2"]


def test_te_for_grpc(edge, back):
    assert sent(edge, back, "h2", {"te": "trailers"}).get("te") == "trailers"
    assert sent(edge, back, "h1", {"te": "trailers;q=0.5, x", "connection": "te"}).get("te") in (
        None, "trailers")


def test_expect_continue_reaches_the_backend(edge, back):
    """The client waits for the backend's word, not for the edge's."""
    def answer(c, r):
        seen.append(r.get("expect"))
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        c.read_body(r)
        return reply(body=r.body)

    seen = []
    back.on("/c", answer, streaming=True)
    with edge.h1(HOST) as c:
        c.send(f"POST /c HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\n"
               "Content-Length: 4\r\n\r\n".encode())
        assert c.head(interims=False).status == 100
        c.send(b"body")
        assert c.answer().body == b"body"
        back.on("/no", reply(417), streaming=True)
        c.send(f"POST /no HTTP/1.1\r\nHost: {HOST}\r\nExpect: 100-continue\r\n"
               "Content-Length: 4\r\n\r\n".encode())
        assert c.answer().status == 417
    assert seen == ["100-continue"]


# --- answers as they are

def test_statuses_and_reasons(edge, back, front):
    for status in (200, 201, 202, 206, 226, 299, 300, 400, 401, 404, 410, 418, 429, 451, 500, 503,
                   511, 599):
        back.on(f"/{status}", reply(status, body=b"x", reason="Whatever It Was"))
        a = ask(edge, front, path=f"/{status}")
        assert (a.status, a.body) == (status, b"x")
        if front == "h1":
            assert a.reason == "Whatever It Was"


def test_set_cookies_are_kept_apart_and_in_order(edge, back, front):
    """'Folded set-cookie'"""
    cookies = ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "a=3", "c=4, 5"]
    back.on("/", reply(200, [("set-cookie", c) for c in cookies]))
    assert ask(edge, front).all("set-cookie") == cookies


def test_fields_of_answers_are_kept(edge, back, front):
    fields = [("x-a", "1"), ("x-b", "2"), ("x-a", "3"), ("cache-control", "max-age=60"),
              ("vary", "accept"), ("etag", '"x"'), ("www-authenticate", "Basic"),
              ("www-authenticate", "Bearer"), ("server", "back/1"), ("content-encoding", "gzip"),
              ("strict-transport-security", "max-age=1"), ("x-8bit", "\xe4")]
    back.on("/", reply(200, fields))
    a = ask(edge, front)
    for n, _ in fields:
        assert a.all(n) == [v for m, v in fields if m == n], n
    assert a.get("access-control-allow-origin") is None


def test_redirects_are_not_followed(edge, back, front):
    """'Followed redirects'"""
    for status in (301, 302, 303, 307, 308):
        back.on("/r", reply(status, {"location": "/elsewhere"}))
        a = ask(edge, front, path="/r")
        assert (a.status, a.get("location")) == (status, "/elsewhere")
    assert {r.target for r in back.seen()} == {"/r"}


def locations(edge, back):
    public = f"https://{SESSION}:{edge.https}"
    mine = back.authority
    return [
        (f"http://{mine}/x?y#z", f"{public}/x?y#z"), (f"http://{mine}", f"{public}/"),
        (f"http://{mine}?q", f"{public}/?q"), (f"HTTP://{mine.upper()}/x", f"{public}/x"),
        (f"//{mine}/x", f"//{SESSION}:{edge.https}/x"),
        ("/x", "/x"), ("x", "x"), ("?x", "?x"), ("", ""),
        ("https://elsewhere.example/x", "https://elsewhere.example/x"),
        (f"http://127.0.0.1:{back.port + 1}/x", f"http://127.0.0.1:{back.port + 1}/x"),
        ("http://127.0.0.1/x", "http://127.0.0.1/x"),
        (f"http://{mine}.example/x", f"http://{mine}.example/x"),
        (f"http://user@{mine}/x", f"http://user@{mine}/x"),
        ("mailto:x@127.0.0.1", "mailto:x@127.0.0.1"),
    ]


def test_locations_that_name_the_backend_are_turned(edge, back, front):
    for given, want in locations(edge, back):
        back.on("/l", reply(302, {"location": given}))
        assert ask(edge, front, SESSION, "/l").get("location") == want, given


def test_locations_lose_the_base_path(edge, back, front):
    host = "api." + ZONE
    public = f"https://{host}:{edge.https}"
    for given, want in [(f"{back.url}/base/x", f"{public}/x"), ("/base/x", "/x"), ("/base", "/"),
                        ("/based/x", "/based/x"), (f"{back.url}/base", f"{public}/")]:
        back.on("/base/l", reply(302, {"location": given}))
        assert ask(edge, front, host, "/l").get("location") == want, given


def test_cookie_domains_that_name_the_backend_are_turned(edge, back, front):
    for given, want in [("a=1; Domain=127.0.0.1; Path=/", f"a=1; Domain={SESSION}; Path=/"),
                        ("a=1; domain=.127.0.0.1", f"a=1; domain=.{SESSION}"),
                        ("a=1; Domain=other.example", "a=1; Domain=other.example"),
                        ("a=1; Domain=x127.0.0.1", "a=1; Domain=x127.0.0.1"),
                        ("domain=127.0.0.1; Path=/", "domain=127.0.0.1; Path=/"),
                        ("a=1", "a=1")]:
        back.on("/", reply(200, {"set-cookie": given}))
        assert ask(edge, front, SESSION).all("set-cookie") == [want]


def test_interim_answers(edge, back, front):
    back.on("/i", b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x-y\r\n"
                  b"X-Y: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + reply(body=b"end"))
    a = ask(edge, front, path="/i")
    assert [i.status for i in a.interims] == [103, 102]
    assert a.interims[0].get("link") == "</a>; rel=preload"
    assert a.interims[0].get("x-y") is None and a.body == b"end"


def test_head(edge, back, front):
    back.on("/h", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"x\"\r\n\r\n")
    a = ask(edge, front, path="/h", method="HEAD")
    assert (a.status, a.get("content-length"), a.get("etag"), a.body) == (200, "1234", '"x"', b"")
    back.on("/h", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    a = ask(edge, front, path="/h", method="HEAD")
    assert a.status == 200 and a.body == b""


@pytest.mark.parametrize("status", [204, 304])
def test_no_content(edge, back, front, status):
    back.on("/n", f"HTTP/1.1 {status} X\r\nETag: \"x\"\r\n\r\n".encode())
    a = ask(edge, front, path="/n")
    assert (a.status, a.get("etag"), a.body) == (status, '"x"', b"")


def test_date_is_added_where_there_is_none(edge, back, front):
    back.on("/d", reply(200, {"date": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert ask(edge, front, path="/d").all("date") == ["Wed, 21 Oct 2015 07:28:00 GMT"]
    assert len(ask(edge, front).all("date")) == 1


# --- caching

def test_caching_is_left_alone(edge, back, front):
    """'Over-caching of errors'"""
    count = []
    back.on("/c", lambda c, r: count.append(1) or reply(500 if len(count) % 2 else 200,
                                                        {"cache-control": "max-age=99"}))
    for i in range(4):
        a = ask(edge, front, path="/c")
        assert a.status == (200 if i % 2 else 500) and a.get("cache-control") == "max-age=99"
    assert len(count) == 4


def test_no_cache(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}], "no_cache": True,
               "cache_routes": ["^/_next/static/"]}) as e:
        for status in (200, 404, 500):
            back.on("/x", reply(status, [("cache-control", "max-age=9"), ("cache-control", "public")]))
            back.on("/_next/static/x", reply(status, {"cache-control": "max-age=9"}))
            assert ask(e, front, path="/x").all("cache-control") == ["no-cache"]
            assert ask(e, front, path="/_next/static/x").get("cache-control") == "max-age=9"
        e.session("peter", {"web": back.url}, cache_routes=["^/mine"])
        back.on("/mine", reply(200, {"cache-control": "max-age=9"}))
        assert ask(e, front, SESSION, "/mine").get("cache-control") == "max-age=9"
        assert ask(e, front, path="/mine").get("cache-control") == "no-cache"


# --- CORS

def origin(host, edge):
    return f"https://{host}:{edge.https}"


def test_cors_within_a_session(edge, back, front):
    """'access-control-allow-origin: * on everything, breaking credentialed CORS'"""
    mine = origin("api.peter." + ZONE, edge)
    a = ask(edge, front, SESSION, fields={"origin": mine})
    assert a.all("access-control-allow-origin") == [mine]
    assert a.all("access-control-allow-credentials") == ["true"]
    assert "origin" in a.get("vary").lower()


@pytest.mark.parametrize("other", ["https://web.mary." + ZONE, "https://evil.example", "null",
                                   "http://api.peter." + ZONE, "https://api." + ZONE,
                                   f"https://api.peter.{ZONE}.evil.example",
                                   f"https://evil.example/api.peter.{ZONE}", "*"])
def test_cors_of_others(edge, back, front, other):
    a = ask(edge, front, SESSION, fields={"origin": other})
    assert a.get("access-control-allow-origin") is None
    assert a.get("access-control-allow-credentials") is None


def test_cors_answers_of_the_backend_stand(edge, back, front):
    back.on("/", reply(200, {"access-control-allow-origin": "https://x.example"}))
    a = ask(edge, front, SESSION, fields={"origin": origin("api.peter." + ZONE, edge)})
    assert a.all("access-control-allow-origin") == ["https://x.example"]
    assert a.get("access-control-allow-credentials") is None


def preflight(edge, front, from_host):
    return ask(edge, front, SESSION, "/p", {
        "origin": origin(from_host, edge), "access-control-request-method": "PUT",
        "access-control-request-headers": "x-a, content-type"}, "OPTIONS")


def test_a_preflight_is_answered_when_the_backend_does_not(edge, back, front):
    back.on("/p", reply(405, body=b"no"))
    a = preflight(edge, front, "api.peter." + ZONE)
    assert a.status == 204 and a.body == b""
    assert a.get("access-control-allow-origin") == origin("api.peter." + ZONE, edge)
    assert "PUT" in a.get("access-control-allow-methods")
    assert "x-a" in a.get("access-control-allow-headers")
    assert a.get("access-control-allow-credentials") == "true"
    assert len(back.seen()) == 1, "the backend was asked first"
    a = preflight(edge, front, "web.mary." + ZONE)
    assert a.status == 405 and a.get("access-control-allow-origin") is None


def test_a_preflight_that_the_backend_answers(edge, back, front):
    back.on("/p", reply(200, {"access-control-allow-origin": "https://x.example",
                              "access-control-allow-methods": "GET"}))
    a = preflight(edge, front, "api.peter." + ZONE)
    assert (a.status, a.get("access-control-allow-methods")) == (200, "GET")


def test_cors_off(back, front):
    with Edge({"services": [{"name": "web", "url": back.url}], "cors": "off"}) as e:
        e.session("peter", {"web": back.url})
        a = ask(e, front, SESSION, fields={"origin": origin("api.peter." + ZONE, e)})
        assert a.get("access-control-allow-origin") is None
        back.on("/p", reply(405))
        assert preflight(e, front, "api.peter." + ZONE).status == 405


def test_pages_have_cors_too(edge, front):
    """Or scripts could not read why."""
    edge.session("broken", {"web": "http://127.0.0.1:1"})
    mine = origin("api.broken." + ZONE, edge)
    a = ask(edge, front, "web.broken." + ZONE, fields={"origin": mine})
    assert a.status == 502 and a.get("access-control-allow-origin") == mine


# --- through the edge and back in

def test_a_service_that_calls_another_through_the_edge(back):
    """What the whole is for: the shared web calls the shared host of api, and reaches the session's."""
    with Backend("shared-api") as shared, Backend("marys-api") as marys:
        holder = {}

        def call_api(c, r):
            e = holder["edge"]
            pass_on = [(n, v) for n, v in r.fields if n in ("baggage", "tracestate", "traceparent")]
            a = e.get("api." + ZONE, "/inner", pass_on)
            return reply(body=a.get("x-backend").encode())

        back.on("/outer", call_api)
        with Edge({"services": [{"name": "web", "url": back.url},
                                {"name": "api", "url": shared.url}]}) as e:
            holder["edge"] = e
            e.session("mary", {"api": marys.url})
            assert e.get("web.mary." + ZONE, "/outer").body == b"marys-api"
            assert e.get2("web.mary." + ZONE, "/outer").body == b"marys-api"
            assert e.get("web." + ZONE, "/outer").body == b"shared-api"
            trace = back.last.get("traceparent").split("-")[1]
            assert shared.last.get("traceparent").split("-")[1] == trace, "one trace"


def test_access_log(back):
    """One line a request, with what it was routed by; no secrets."""
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        e.session("peter", {"web": back.url})
        gone = threading.Event()

        def slow(c, _):
            c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
            c.wait_end()
            gone.set()

        back.on("/cut", slow)
        ask(e, "h2", SESSION, "/seen?secret=1", {"authorization": "Bearer s3cret", "cookie": "c=s3cret"})
        ask(e, "h1", "web.nobody." + ZONE, "/")
        with e.h1(HOST) as c:
            c.send(f"GET /cut HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            c.head()
        assert gone.wait(PATIENCE)
        e.stop()
        text = (e.folder / "access.log").read_text()
        lines = [json.loads(line) for line in text.splitlines()]
        seen = next(x for x in lines if x["path"] == "/seen")
        assert (seen["session"], seen["service"], seen["backend"], seen["status"], seen["front"],
                seen["end"]) == ("peter", "web", "session", 200, "h2", "complete")
        assert "s3cret" not in text and "secret" not in text
        assert any(x["status"] == 404 and x["session"] == "nobody" for x in lines)
        assert any((x["path"], x.get("end"), x.get("phase")) == ("/cut", "client-gone", "response") for x in lines)


# --- backends over TLS

@pytest.fixture(name="secure", scope="module")
def fixture_secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki")
    ours, other = Issuer("ours"), Issuer("other")
    (folder / "ca.pem").write_text(ours.pem)
    (folder / "other.pem").write_text(other.pem)
    ours.write(folder, "good", ["localhost", "back.example"])
    other.write(folder, "foreign", ["localhost"])
    with Backend("good", tls=(folder / "good.pem", folder / "good.key")) as good, \
            Backend("foreign", tls=(folder / "foreign.pem", folder / "foreign.key")) as foreign:
        def service(name, back, host="localhost", scheme="https", **tls):
            return {"name": name, "url": f"{scheme}://{host}:{back.port}",
                    **({"tls": tls} if tls else {})}

        ca = str(folder / "ca.pem")
        with Edge({"services": [
                service("good", good, ca=ca), service("byname", good, "127.0.0.1", ca=ca,
                                                      server_name="back.example"),
                service("wrongname", good, "127.0.0.1", ca=ca), service("foreign", foreign, ca=ca),
                service("roots", good), service("anything", foreign, verify=False),
                service("clear", good, scheme="http")]}) as e:
            yield e, good


def test_backends_over_tls_are_verified(secure, front):
    edge, good = secure
    for service, want in (("good", 200), ("byname", 200), ("anything", 200), ("wrongname", 502),
                          ("foreign", 502), ("roots", 502)):
        a = ask(edge, front, f"{service}.{ZONE}")
        assert a.status == want, (service, a)
    assert ask(edge, front, f"clear.{ZONE}").status in (400, 502)
    body = b"x" * 3000000
    a = ask(edge, front, f"good.{ZONE}", method="POST", body=body)
    assert a.status == 200 and good.last.body == body


def test_https_locations_are_turned(secure, front):
    edge, good = secure
    host = f"good.{ZONE}"
    good.on("/l", reply(302, {"location": f"https://localhost:{good.port}/x"}))
    assert ask(edge, front, host, "/l").get("location") == edge.url(host, "/x")


def test_names_with_several_addresses(back, front):
    """localhost is ::1 and 127.0.0.1: where the first refuses, the next is tried."""
    with Backend("six", "::1") as six, Edge({"services": [
            {"name": "four", "url": f"http://localhost:{back.port}"},
            {"name": "six", "url": f"http://localhost:{six.port}"}]}) as e:
        for _ in range(3):
            assert ask(e, front, "four." + ZONE).get("x-backend") == "web"
            assert ask(e, front, "six." + ZONE).get("x-backend") in ("six", None)


@pytest.mark.parametrize("front", ["h1", "h2"])
def test_max_forwards(edge, back, front):
    """Counted down for OPTIONS alone; who has none left is answered here."""
    back.forget()
    a = ask(edge, front, HOST, "/mf", {"max-forwards": "0"}, method="OPTIONS")
    assert a.status == 204 and "GET" in a.get("allow") and not back.seen()
    for method, sent, want in [("OPTIONS", "7", "6"), ("OPTIONS", "many", "many"), ("GET", "0", "0")]:
        assert ask(edge, front, HOST, "/mf", {"max-forwards": sent}, method=method).status == 200
        assert back.last.get("max-forwards") == want


@pytest.mark.parametrize("front", ["h1", "h2"])
def test_trace_is_not_offered(edge, back, front):
    back.forget()
    a = ask(edge, front, HOST, "/trace", {"cookie": "secret=1"}, method="TRACE")
    assert a.status == 501 and "secret" not in str(a.body) and not back.seen()
