"""Tunnels in the world that they are for: dev servers with hot reload, browsers, npm's clients, engineers beside
each other, networks that break."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from support import node
from support.agent import Agent
from support.backend import Backend, reply
from support.browser import open_page
from support.edge import SANITIZED, SOURCE, ZONE, Edge
from support.namespace import Namespace
from support.net import PATIENCE, free_port, wait_until

MIB = 1024 * 1024
LARGE = 128 * MIB if SANITIZED else 1024 * MIB


@pytest.fixture(name="shared", scope="module")
def fixture_shared():
    with Backend("shared") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(shared):
    services = [{"name": n, "url": shared.url} for n in ("web", "api", "auth", "mail")]
    with Edge({"workers": 2, "services": services}) as e:
        yield e


def made(edge, token, name, *tunnelled):
    with edge.h1(f"edge.{ZONE}") as c:
        a = edge.call(c, "PUT", f"/v1/sessions/{name}",
                      {"services": {s: {"tunnel": True} for s in tunnelled}}, token=token)
    assert a.status in (200, 201), a
    return name


@pytest.fixture(name="agent")
def fixture_agent(edge):
    with Agent(edge, edge.token("session", "peter")) as a:
        a.token = edge.token("session", "peter")
        yield a


@pytest.fixture(name="carried")
def fixture_carried(edge):
    """carried(session, service=url, ...): a session with an agent of its own."""
    agents = []

    def carry(name, owner="peter", **services):
        token = edge.token("session", owner)
        made(edge, token, name, *services)
        agents.append(Agent(edge, token))
        agents[-1].carry(name, **services)
        return agents[-1]
    yield carry
    for a in agents:
        a.close()


def host(session, service="web"):
    return f"{service}.{session}.{ZONE}"


# --- dev servers and what npm has

VITE = {
    "index.html": '<!doctype html><div id=app></div><script type=module src=/main.js></script>',
    "text.js": "export const text = 'one';",
    "main.js": """
import { text } from './text.js';
const page = Math.random();
const told = (t) => fetch('https://API/told?' + page + '&' + t, {mode: 'no-cors'});
told(text);
import.meta.hot.on('vite:ws:connect', () => told('connected'));
import.meta.hot.accept('./text.js', (m) => told(m.text));
""",
}


def test_hot_reload_of_vite(edge, carried, tmp_path):
    """The page changes when the file does, without a new load: over the session's URL, through the tunnel."""
    modules = node.modules()
    port = free_port()
    with Backend("api") as api:
        for name, text in VITE.items():
            (tmp_path / name).write_text(text.replace("API", f"{host('vite', 'api')}:{edge.https}"))
        with subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "node", str(modules / "vite" / "bin" / "vite.js"),
                 "--port", str(port), "--strictPort", "--host", "localhost", "--clearScreen", "false"],
                cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as vite:
            try:
                for line in vite.stdout:
                    if "ready in" in line:
                        break
                carried("vite", web=f"http://localhost:{port}", api=api.url)
                with open_page(edge.url(host("vite")), [host("vite"), host("vite", "api")]):
                    first = api.wait(lambda r: r.target.endswith("&one"), seconds=PATIENCE * 3)
                    page = first.target.split("?")[1].split("&")[0]
                    api.wait(lambda r: r.target.endswith("connected"), seconds=PATIENCE * 2)
                    (tmp_path / "text.js").write_text("export const text = 'two';")
                    second = api.wait(lambda r: r.target.endswith("&two"), seconds=PATIENCE * 2)
                    assert page in second.target
            finally:
                vite.kill()


def told_by(program, *args):
    client = node.start(program, *args, text=True)
    out, _ = client.communicate(timeout=PATIENCE * 4)
    return json.loads(out.splitlines()[-1])


def test_grpc_of_npm(edge, carried):
    server = node.start("grpc_server.js", text=True)
    try:
        port = int(server.stdout.readline())
        threading.Thread(target=server.stdout.read, daemon=True).start()
        carried("grpc", api=f"h2c://127.0.0.1:{port}")
        told = told_by("grpc_client.js", host("grpc", "api"), str(edge.https), str(edge.ca_file))
        assert told["unary"] == {"body": "x", "head": ["hello"], "bin": ["00ff", "01"], "status": 0}
        assert told["empty"] == 0 and told["big"] is True and told["many"] is True
        assert told["collect"] == "500 500000"
        assert told["count"] == {"n": 2000, "status": 0, "ordered": True}
        assert told["talk"] == 100
        assert told["deadline"] == 4 and told["cancelled"] == 1 and told["endless"] == 1
    finally:
        server.kill()
        server.wait()


def test_server_sent_events_come_at_once(edge, carried):
    def events(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(5):
            c.send(b"9\r\ndata: %d\n\n\r\n" % i)
            c.backend.wait(lambda r, i=i: r.target == f"/seen?{i}")
        return b"0\r\n\r\n"
    with Backend("events") as back:
        back.on("/events", events)
        carried("events", web=back.url)
        with edge.h2(host("events")) as c:
            s = c.start("GET", "/events")
            for i in range(5):
                while f"data: {i}\n\n".encode() not in bytes(s.body):
                    assert c.step()
                edge.get(host("events"), f"/seen?{i}")
            c.finish(s)


# --- engineers beside each other

def demo(edge, name, copy, calls=None):
    """A service of the demo, which passes the context on; its port."""
    port = free_port()
    args = [name, "--copy", copy, "--listen", f"127.0.0.1:{port}", "--zone", ZONE,
            "--dns-port", str(edge.dns4), "--https-port", str(edge.https), "--ca", str(edge.ca_file)]
    args += ["--calls", calls] if calls else []
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        ["setpriv", "--pdeathsig", "KILL", sys.executable, str(SOURCE / "demo" / "service"), *args],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    wait_until(listens, f"{name} of {copy}")
    return process, port


CHAIN = ("frontend", "backend", "auth", "mail")
PAGE = b"""<script>fetch('/').then(r => r.text())
.then(t => fetch('/told?' + encodeURIComponent(t)))</script>"""


def look_in_a_browser(edge, agent):
    """Peter's frontend is another one now: the browser sees it at once, by the session's URL."""
    with Backend("mine") as mine:
        mine.on("/page", reply(200, {"content-type": "text/html"}, PAGE))
        mine.on("/", reply(200, {"content-type": "text/plain"}, b"peter"))
        agent.say(f"set peter frontend={mine.url}")
        agent.status()
        name = f"frontend.peter.{ZONE}"
        with open_page(edge.url(name, "/page"), [name]):
            mine.wait(lambda r: r.target == "/told?peter", seconds=PATIENCE * 3)


def test_two_engineers_four_services():
    """Peter has frontend and auth on his machine, Mary backend: each sees the whole with their own in it, by curl
    and in a browser, and the shared system is as it was."""
    with Edge({"workers": 2, "services": [{"name": n, "url": "http://127.0.0.1:1"} for n in CHAIN]}) as e:
        running = []
        try:
            def start(name, copy):
                at = CHAIN.index(name)
                process, port = demo(e, name, copy, CHAIN[at + 1] if at + 1 < len(CHAIN) else None)
                running.append(process)
                return f"http://127.0.0.1:{port}"
            urls = [{"name": n, "url": start(n, "shared")} for n in CHAIN]
            assert e.reload(services=urls)[0] == "reloaded"
            peters, marys = e.token("session", "peter"), e.token("session", "mary")
            made(e, peters, "peter", "frontend", "auth")
            made(e, marys, "mary", "backend")
            with Agent(e, peters, "aa" * 16) as peter, Agent(e, marys, "bb" * 16) as mary:
                peter.carry("peter", frontend=start("frontend", "peter"), auth=start("auth", "peter"))
                mary.carry("mary", backend=start("backend", "mary"))
                seen = {}
                for session in ("peter", "mary", None):
                    name = f"frontend.{session + '.' if session else ''}{ZONE}"
                    out = e.curl(e.url(name))
                    seen[session] = out.stdout.decode().strip()
                assert seen == {
                    "peter": "frontend=peter backend=shared auth=peter mail=shared",
                    "mary": "frontend=shared backend=mary auth=shared mail=shared",
                    None: "frontend=shared backend=shared auth=shared mail=shared"}
                look_in_a_browser(e, peter)
        finally:
            for process in running:
                process.kill()
                process.wait()


def test_two_hundred_streams_over_one_tunnel(edge, carried):
    go = threading.Event()
    with Backend("held") as back:
        back.on("/held", lambda c, r: go.wait(PATIENCE * 2) and reply(body=b"done"))
        agent = carried("many", web=back.url)
        clients = [edge.h2(host("many")) for _ in range(4)]
        try:
            streams = [(c, c.start("GET", "/held")) for c in clients for _ in range(50)]
            back.wait(lambda r: r.path == "/held", n=200)
            assert agent.status()["open"] == 200
            assert edge.metric("linkup_tunnels_open") >= 1
            go.set()
            for c, s in streams:
                assert c.finish(s).body == b"done"
        finally:
            go.set()
            for c in clients:
                c.close()


# --- large bodies

def test_a_large_download_and_upload_with_flat_memory(edge, carried):
    piece = b"x" * MIB

    def down(c, _):
        c.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
        for _ in range(LARGE // MIB):
            c.send(piece)

    def up(c, r):
        return reply(body=str(sum(map(len, c.pieces(r)))).encode())
    with Backend("large", keep_raw=False) as back:
        back.on("/down", down).on("/up", up, True)
        agent = carried("large", web=back.url)
        edge.get(host("large"))
        before = edge.rss_kib(), agent.rss_kib()
        out = edge.curl("-o", os.devnull, "-w", "%{http_code} %{size_download}", "--max-time", "300",
                        edge.url(host("large"), "/down"))
        assert out.stdout == b"200 %d" % LARGE, out
        out = subprocess.run(
            f"head -c {LARGE} /dev/zero | curl -sS --max-time 300 --cacert {edge.ca_file} --connect-to "
            f"::127.0.0.1:{edge.https} -T - {edge.url(host('large'), '/up')}",
            shell=True, capture_output=True, check=True, timeout=PATIENCE * 20)
        assert out.stdout == b"%d" % LARGE, out
        after = edge.rss_kib(), agent.rss_kib()
        most = 40 * 1024 + (512 * 1024 if SANITIZED else 0) # what is freed is held back for a while
        assert all(b - a < most for a, b in zip(before, after)), (before, after)


# --- networks

SERVICE = """
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "5"); self.end_headers()
        self.wfile.write(b"there")
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""


def test_a_cut_network(shared):
    with Namespace() as far:
        port = free_port()
        listen = {"https": [f"127.0.0.1:{port}", f"{far.here}:{port}"]}
        with Edge({"services": [{"name": "web", "url": shared.url}], "listen": listen}, start=False) as e:
            e.https = port
            e.start()
            token = e.token("session", "peter")
            made(e, token, "far", "web")
            local = free_port()
            with subprocess.Popen([*far.prefix, "setpriv", "--pdeathsig", "KILL", sys.executable, "-c",
                                   SERVICE, str(local)]) as service, \
                    Agent(e, token, connect=f"{far.here}:{port}", prefix=far.prefix) as agent:
                try:
                    agent.carry("far", web=f"http://127.0.0.1:{local}")
                    wait_until(lambda: e.get(host("far")).body == b"there", "the service there")
                    at = agent.mark()
                    far.cut()
                    wait_until(lambda: e.api("GET", "/v1/sessions/far").json()["tunnel"]["state"]
                               == "down", "the cut to be noticed")
                    agent.wait(lambda s: s.get("state") == "waiting", at)
                    a = e.get(host("far"), fields=[("accept", "application/problem+json")])
                    assert a.status == 503 and a.json()["owner"] == "peter"
                    at = agent.mark()
                    far.mend()
                    agent.await_state("up", at)
                    assert e.get(host("far")).body == b"there"
                finally:
                    service.kill()
