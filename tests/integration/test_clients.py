"""Clients that others wrote, through the edge, each with what it does all day. WebSocket clients stand in
test_websocket."""

import hashlib
import json
import re
import subprocess
import threading
from urllib.parse import unquote

import pytest

from support import node
from support.backend import Backend, reply
from support.browser import open_page
from support.edge import ZONE, Edge
from support.net import PATIENCE, wait_until
from support.pki import Issuer

HOST = "web." + ZONE
BIG = bytes(range(256)) * 4096 * 5


def events(c, _):
    """One event, and the next only when it was told that the one before has arrived."""
    c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for i in range(5):
        event = b"data: %d\n\n" % i
        c.send(b"%x\r\n%s\r\n" % (len(event), event))
        c.backend.wait(lambda r, i=i: r.target == f"/seen?{i}")
    return b"0\r\n\r\n"


def digest_of(c, r):
    """Reads as it comes: with expect, only after it has said that it will."""
    if r.get("expect"):
        c.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    c.read_body(r)
    return reply(200, {"content-type": "text/plain"}, hashlib.sha256(r.body).hexdigest().encode())


def ranged(_, r):
    m = re.fullmatch(r"bytes=(\d+)-(\d+)", r.get("range", ""))
    if not m:
        return reply(200, {"accept-ranges": "bytes"}, BIG)
    first, last = int(m[1]), int(m[2])
    return reply(206, {"content-range": f"bytes {first}-{last}/{len(BIG)}"}, BIG[first:last + 1])


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web", keep_raw=False) as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url}, {"name": "api", "url": back.url}]}) as e:
        yield e


@pytest.fixture(autouse=True)
def fixture_fresh(back):
    back.forget()
    back.scripts.clear()
    back.on("/sum", digest_of, streaming=True)
    back.on("/big", ranged)
    back.on("/events", events, streaming=True)
    back.on("/trailers", b"HTTP/1.1 200 OK\r\nTrailer: x-trailer\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0\r\nX-Trailer: told\r\n\r\n")


@pytest.fixture(name="version", params=["--http1.1", "--http2"])
def fixture_version(request):
    return request.param


def curl(edge, *args, data=None):
    r = edge.curl(*args, input=data)
    assert r.returncode == 0, (r.returncode, r.stderr)
    return r.stdout


# --- curl

def test_curl_gets(edge, version):
    out = curl(edge, version, "-w", " %{http_version} %{http_code}", edge.url(HOST, "/x?y=z"))
    assert b'"/x?y=z"' in out and out.endswith(b"2 200" if version == "--http2" else b"1.1 200")


def test_curl_head(edge, version):
    out = curl(edge, version, "-I", edge.url(HOST, "/big")).decode().lower()
    assert f"content-length: {len(BIG)}\r\n" in out and "accept-ranges: bytes" in out


def test_curl_range(edge, version):
    out = curl(edge, version, "-r", "1000-2999", "-w", "%{http_code}", edge.url(HOST, "/big"))
    assert out == BIG[1000:3000] + b"206"


@pytest.mark.parametrize("how", ["length", "no length", "expect"])
def test_curl_uploads(edge, back, version, how):
    args = {"length": ["--data-binary", "@-", "-H", "Expect:"], "no length": ["-T", "-", "-H", "Expect:"],
            "expect": ["--data-binary", "@-", "-H", "Expect: 100-continue"]}[how]
    out = curl(edge, version, *args, edge.url(HOST, "/sum"), data=BIG)
    assert out.decode() == hashlib.sha256(BIG).hexdigest()
    if how == "expect":
        assert back.last.get("expect") == "100-continue"


def test_curl_form(edge, back, version):
    curl(edge, version, "-F", "a=b", "-F", "file=@-;filename=big", edge.url(HOST, "/form"), data=BIG)
    assert BIG in back.last.body and b'filename="big"' in back.last.body


def test_curl_downloads_at_once(edge, version):
    out = curl(edge, version, "-Z", *[edge.url(HOST, "/big")] * 8)
    assert len(out) == 8 * len(BIG)


def test_curl_reads_trailers(edge, version):
    out = curl(edge, version, "-i", "--raw" if version == "--http1.1" else "-s",
               edge.url(HOST, "/trailers"), "-v").decode()
    assert "abc" in out
    # Over HTTP/2 curl takes them for fields; over HTTP/1.1 they stand behind the last chunk.
    assert "x-trailer: told" in out.lower()


def test_curl_reads_events_at_once(edge, version):
    """The second event is sent only after the first was read here."""
    command = ["curl", "-sS", "-N", version, "--cacert", str(edge.ca_file), "--connect-to",
               f"::127.0.0.1:{edge.https}", edge.url(HOST, "/events")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as p:
        for i in range(5):
            assert p.stdout.readline() == b"data: %d\n" % i
            assert p.stdout.readline() == b"\n"
            assert edge.get(HOST, f"/seen?{i}").status == 200
        assert p.wait(PATIENCE) == 0


# --- nghttp2's own

def test_nghttp(tmp_path, back):
    """A page's resources on one connection. It cannot be told where a name is: localhost is known to it."""
    Issuer().write(tmp_path, "local", ["localhost"])
    with Edge({"services": [{"name": "web", "url": back.url}],
               "domains": [{"domain": "localhost", "default_service": "web"}],
               "certificates": {"files": [{"cert": str(tmp_path / "local.pem"),
                                           "key": str(tmp_path / "local.key")}]}}) as e:
        before = e.metric("linkup_connections_accepted_total")
        r = subprocess.run(["nghttp", "-ns", *[f"https://localhost:{e.https}/n{i}" for i in range(10)]],
                           capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert r.returncode == 0, r.stderr
        assert len(re.findall(r" 200 +\S+ /n\d", r.stdout)) == 10, r.stdout
        assert e.metric("linkup_connections_accepted_total") == before + 2, "one, and this question"
    assert {r.path for r in back.seen()} == {f"/n{i}" for i in range(10)}


@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
def test_h2load(edge, alpn):
    """No request fails, a hundred at a time on a connection."""
    n, streams = 3000, 100 if alpn == "h2" else 1
    r = subprocess.run(["h2load", "-n", str(n), "-c", "4", "-m", str(streams), f"--npn-list={alpn}",
                        f"--connect-to=127.0.0.1:{edge.https}", edge.url(HOST, "/l")],
                       capture_output=True, text=True, check=False, timeout=PATIENCE * 3)
    assert re.search(rf"requests: {n} total, {n} started, {n} done, {n} succeeded, 0 failed, 0 errored",
                     r.stdout), r.stdout + r.stderr
    assert f"status codes: {n} 2xx" in r.stdout


# --- node

def told_by(program, *args):
    p = node.start(program, *args, text=True)
    out, _ = p.communicate(timeout=PATIENCE * 3)
    assert p.returncode == 0
    return json.loads(out)


def test_node(edge):
    """Its http2 and its https, which keeps connections."""
    told = told_by("http_client.js", HOST, str(edge.https), str(edge.ca_file))
    assert told["http2"] == {"get": [200, "/plain"], "post": True, "trailers": "told", "many": True,
                             "ping": True}
    assert told["https"].pop("reused") >= 1
    assert told["https"] == {"get": [200, "1.1", "/plain"], "post": True, "trailers": "told",
                             "many": True, "continued": True}


def test_grpc_of_npm(edge):
    """grpc-js at both ends, and every kind of call: a service in clear HTTP/2 behind the edge's TLS."""
    server = node.start("grpc_server.js", text=True)
    lines = []
    try:
        port = int(server.stdout.readline())
        reader = threading.Thread(target=lambda: lines.extend(server.stdout), daemon=True)
        edge.session("grpc", {"api": {"url": f"h2c://127.0.0.1:{port}"}})
        told = told_by("grpc_client.js", f"api.grpc.{ZONE}", str(edge.https), str(edge.ca_file))
        reader.start()
        assert told["unary"] == {"body": "x", "head": ["hello"], "bin": ["00ff", "01"], "status": 0}
        assert told["empty"] == 0 and told["big"] is True and told["many"] is True
        assert told["collect"] == "500 500000"
        assert told["count"] == {"n": 2000, "status": 0, "ordered": True}
        assert told["talk"] == 100
        assert told["fail"] == {"code": 9, "details": "not so: 50% \u00e4", "trail": ["told"]}
        assert told["failLate"] == {"messages": ["first"], "status": 15, "details": "then no more",
                                    "trail": ["told"]}
        assert told["deadline"] == 4 and told["cancelled"] == 1 and told["endless"] == 1
        assert told["unimplemented"] == 12
        # Whoever goes takes its call along, all the way.
        wait_until(lambda: sorted(x.strip() for x in list(lines)) ==
                   ["endless cancelled", "silent cancelled", "silent cancelled"], "cancellations")
    finally:
        server.kill()
        server.wait()
    edge.end_session("grpc")


# --- a browser

PAGE = b"""<!doctype html><title>page</title><link rel=stylesheet href=/style.css>
<script src="https://api.HOST/script.js"></script><img src=/image.svg>
<script>
const told = {}, api = 'https://api.HOST';
async function all() {
  told.script = window.fromScript;
  told.json = (await (await fetch(api + '/json', {credentials: 'include'})).json()).target;
  const events = [];
  await new Promise((done) => {
    const source = new EventSource('/events');
    source.onmessage = async (e) => {
      events.push(e.data);
      await fetch('/seen?' + e.data);
      if (events.length === 5) { source.close(); done(); }
    };
  });
  told.events = events;
  let n = 0;
  const stream = new ReadableStream({ pull(c) {
    n++ < 50 ? c.enqueue(new Uint8Array(20000).fill(n)) : c.close();
  }});
  told.upload = await (await fetch('/sum', {method: 'POST', body: stream, duplex: 'half'})).text();
  told.protocols = [...new Set(performance.getEntriesByType('resource').map((r) => r.nextHopProtocol))].filter(Boolean);
}
all().catch((e) => { told.error = String(e); }).then(
  () => fetch('/done?' + encodeURIComponent(JSON.stringify(told))));
</script>"""


def test_chromium(edge, back):
    """A page and what it needs from two services of its session on HTTP/2, credentialed; events one by one; an
    upload that is made as it goes, which browsers do over HTTP/2 alone."""
    edge.session("browse", {"web": back.url, "api": back.url})
    web, api = f"web.browse.{ZONE}", f"api.browse.{ZONE}"
    back.on("/page", reply(200, {"content-type": "text/html"},
                           PAGE.replace(b"api.HOST", f"{api}:{edge.https}".encode())))
    back.on("/script.js", reply(200, {"content-type": "text/javascript"}, b"window.fromScript = 'ran';"))
    back.on("/style.css", reply(200, {"content-type": "text/css"}, b"body { color: red }"))
    back.on("/image.svg", reply(200, {"content-type": "image/svg+xml"},
                                b"<svg xmlns='http://www.w3.org/2000/svg'/>"))
    with open_page(edge.url(web, "/page"), [web, api]):
        done = back.wait(lambda r: r.path == "/done", seconds=PATIENCE * 3)
    told = json.loads(unquote(done.target.split("?", 1)[1]))
    wanted = hashlib.sha256(b"".join(bytes([n]) * 20000 for n in range(1, 51))).hexdigest()
    assert told == {"script": "ran", "json": "/json", "events": list("01234"), "upload": wanted,
                    "protocols": ["h2"]}
    assert {"/style.css", "/script.js", "/image.svg"} <= {r.path for r in back.seen()}
    edge.end_session("browse")
