"""An edge in small for the command line's tests: the API's shapes over TLS and over a unix socket,
with answers that a test can script; and a way to run `linkup` in a pipe or on a terminal."""

import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import socketserver
import ssl
import struct
import subprocess
import termios
import threading
from pathlib import Path

BUILD = Path(os.environ["LINKUP_BUILD"])
LINKUP = str(BUILD / "linkup")
ZONE = "linkup.test"
TOKENS = {"admin-token": "admin", "session-token": "session", "read-token": "read"}
RANK = ["read", "session", "admin"]


def openssl(*args, cwd):
    subprocess.run(["openssl", *args], cwd=cwd, check=True, capture_output=True)


def make_ca(folder, name="ca", constraints=None):
    """A CA's certificate as the edge's own: limited to the zone, and to no IP address."""
    if constraints is None:
        constraints = (f"critical,permitted;DNS:{ZONE},excluded;IP:0.0.0.0/0.0.0.0,"
                       "excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0")
    extensions = ["-addext", f"nameConstraints={constraints}"] if constraints else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30",
            "-subj", f"/CN=Linkup test CA {name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", *extensions, cwd=folder)
    return Path(folder) / f"{name}.pem"


def make_leaf(folder, ca="ca"):
    folder = Path(folder)
    (folder / "leaf.ext").write_text(f"subjectAltName=DNS:edge.{ZONE},DNS:*.{ZONE}\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=edge", cwd=folder)
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
            "-days", "30", "-extfile", "leaf.ext", "-out", "leaf.pem", cwd=folder)


class Edge:
    """State and answers; `script` maps "METHOD /path" to (status, body, content type)."""

    def __init__(self, ca_pem):
        self.ca_pem = ca_pem
        self.sessions = {}
        self.tokens = [{"id": "abc123", "name": "admin", "scope": "admin",
                        "created": "2026-01-01T00:00:00.000Z"}]
        self.script = {}
        self.seen = []
        self.page = 2

    def add(self, name, /, **more):
        more.pop("name", None)
        session = {"name": name, "owner": "peter", "ttl": "7d", "pinned": False,
                   "services": {"web": {"url": "http://10.1.2.3:3000", "host": "target"}},
                   "domains": [], "created": "2026-01-01T00:00:00.000Z",
                   "expires": "2099-01-01T00:00:00.000Z", **more}
        session["urls"] = {s: f"https://{s}.{name}.{ZONE}" for s in session["services"]}
        self.sessions[name] = session
        return session

    def answer(self, method, path, fields, body, admin_peer):
        query = path.partition("?")[2]
        path = path.partition("?")[0]
        key = f"{method} {path}"
        self.seen.append({"call": key, "query": query, "fields": fields, "body": body})
        if key in self.script:
            return self.script[key]
        if path == "/v1/ca.pem":
            return 200, self.ca_pem.read_text(), "application/x-pem-file"
        scope = "admin" if admin_peer else self.scope_of(fields)
        if scope is None:
            return problem(401, "Unauthorized", "a token is needed")
        needed = "admin" if path.startswith("/v1/tokens") else "read" if method == "GET" else "session"
        if RANK.index(scope) < RANK.index(needed):
            return problem(403, "Forbidden", f"this needs scope {needed}")
        return self.route(method, path, query, fields, json.loads(body) if body else None)

    @staticmethod
    def scope_of(fields):
        value = fields.get("authorization", "")
        return TOKENS.get(value[7:]) if value.startswith("Bearer ") else None

    def route(self, method, path, query, fields, body):
        name = path.split("/")[3] if path.count("/") > 2 else None
        if path == "/v1/sessions" and method == "GET":
            return self.list(query)
        if path == "/v1/sessions" and method == "POST":
            return self.create(body)
        if path.startswith("/v1/sessions/"):
            return self.one(method, name, path, fields, body)
        if path == "/v1/services":
            return 200, {"services": [{"name": "web", "url": f"https://web.{ZONE}",
                                       "backend": "http://shared-web:3000", "health": None}],
                         "domains": []}, None
        if path == "/v1/status":
            return 200, {"version": "9.9", "workers": 2, "certificates": {"held": 3}}, None
        if path == "/v1/tokens" and method == "GET":
            return 200, {"tokens": self.tokens}, None
        if path == "/v1/tokens" and method == "POST":
            token = {"id": "def456", "created": "2026-01-02T00:00:00.000Z", **body}
            self.tokens.append(token)
            return 201, {**token, "token": "lk_secret"}, None
        if path.startswith("/v1/tokens/"):
            before = len(self.tokens)
            self.tokens = [t for t in self.tokens if t["id"] != name]
            return (204, "", None) if len(self.tokens) < before else problem(404, "Not found", "no such token")
        return problem(404, "Not found", f"no such call: {method} {path}")

    def list(self, query):
        # The edge would take limit=1000; small pages make the client turn them.
        names = sorted(self.sessions)
        cursor = re.search(r"cursor=(\d+)", query)
        start = int(cursor.group(1)) if cursor else 0
        answer = {"sessions": [self.sessions[n] for n in names[start:start + self.page]]}
        if start + self.page < len(names):
            answer["next"] = str(start + self.page)
        return 200, answer, None

    def create(self, body):
        name = body.pop("name", None) or "slim-gecko"
        if name in self.sessions:
            return problem(409, "Conflict", f"there is a session {name} already", "name")
        return 201, self.add(name, **body), None

    def one(self, method, name, path, fields, body):
        if method == "PUT":
            return 200, self.add(name, **body), None
        session = self.sessions.get(name)
        if not session:
            return problem(404, "Not found", f"there is no session {name}")
        if fields.get("if-match", '"1"') != '"1"':
            return problem(412, "Precondition failed", "it is at version 1")
        if method == "DELETE":
            del self.sessions[name]
            return 204, "", None
        if method == "PATCH":
            services = {**session["services"], **body.pop("services", {})}
            services = {k: v for k, v in services.items() if v is not None}
            return 200, self.add(name, **{**session, **body, "services": services}), None
        return 200, session, None


def problem(status, title, detail, field=None):
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    if field:
        document["field"] = field
    return status, document, "application/problem+json"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode() if length else ""
        fields = {k.lower(): v for k, v in self.headers.items()}
        status, answer, kind = self.server.edge.answer(self.command, self.path, fields, body,
                                                       self.server.admin_peer)
        data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", kind or "application/json")
            self.send_header("etag", '"1"')
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def log_message(self, *args):
        pass

    def address_string(self):
        return "client"


class TcpServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # clients that do not trust the certificate hang up


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Fixture:
    """The edge over TLS and over a socket, and `linkup` with a home of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.ca = make_ca(self.folder)
        make_leaf(self.folder)
        self.edge = Edge(self.ca)
        self.tcp = TcpServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "leaf.pem", self.folder / "leaf.key")
        # The handshake belongs to the connection's own thread.
        self.tcp.socket = context.wrap_socket(self.tcp.socket, server_side=True,
                                              do_handshake_on_connect=False)
        self.port = self.tcp.server_address[1]
        self.socket = self.folder / "admin.sock"
        self.unix = UnixServer(str(self.socket), Handler)
        for server, admin in ((self.tcp, False), (self.unix, True)):
            server.edge, server.admin_peer = self.edge, admin
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.home = self.folder / "home"
        self.home.mkdir()
        self.url = f"https://edge.{ZONE}:{self.port}"
        self.connect = f"127.0.0.1:{self.port}"

    def close(self):
        for server in (self.tcp, self.unix):
            server.shutdown()
            server.server_close()

    @property
    def config(self):
        return self.home / ".config" / "linkup" / "login.json"

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items()
                if k in ("PATH", "LD_LIBRARY_PATH") or k.endswith("SAN_OPTIONS")}
        more = {k: v for k, v in more.items() if v is not None}
        return {**keep, "HOME": str(self.home), "TERM": "xterm", **more}

    def here(self, token="session-token"):
        """What leads to this edge without a login."""
        more = {"LINKUP_TOKEN": token} if token else {}
        return {"LINKUP_EDGE": self.url, "LINKUP_CONNECT": self.connect,
                "LINKUP_CA": str(self.ca), **more}

    def run(self, *args, env=None, input=None):
        """In a pipe."""
        env = self.environment(**(self.here() if env is None else env))
        return subprocess.run([LINKUP, *args], env=env, input=input, capture_output=True,
                              text=True, timeout=60)

    def terminal(self, *args, env=None, typed="", width=100):
        """On a terminal: the exit code and what it showed."""
        env = self.environment(COLUMNS=str(width), **(self.here() if env is None else env))
        return run_on_terminal([LINKUP, *args], env, typed, width)


def interrupted_at_prompt(argv, env):
    """Ends it by SIGINT while it asks; its exit status, and whether the terminal still echoes."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)
    shown = b""
    while not shown.endswith(b": "):
        assert select.select([ours], [], [], 60)[0], shown
        shown += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    code = process.wait(60)
    echoes = bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
    os.close(ours)
    os.close(theirs)
    return code, echoes


def run_on_terminal(argv, env, typed, width):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, width, 0, 0))
    process = subprocess.Popen(argv, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
                               start_new_session=True)
    os.close(theirs)
    shown, left = b"", typed.encode()
    while select.select([ours], [], [], 60)[0]:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the last one closed the terminal
            break
        shown += data
        # Answers are typed when they are asked for.
        if left and re.search(rb"(Token: |\[y/N\] )$", shown):
            os.write(ours, left)
            left = b""
    os.close(ours)
    return process.wait(60), shown.decode().replace("\r\n", "\n")
