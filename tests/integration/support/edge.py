"""The edge: a real linkupd in a folder and on ports of its own."""

import copy
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import yaml

from .http1 import Http1
from .http2 import Http2
from .net import PATIENCE, Late, connect, connect_unix, free_port

BUILD = Path(os.environ["LINKUP_BUILD"])
SOURCE = Path(os.environ.get("LINKUP_SOURCE", Path(__file__).parents[3]))
LINKUPD = os.environ.get("LINKUP_TEST_LINKUPD", str(BUILD / "linkupd"))
LINKUP = str(BUILD / "linkup")
ZONE = "linkup.test"
SANITIZER = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error: )")


def built_with(*marks):
    with open(LINKUPD, "rb") as f:
        data = f.read()
    return any(m in data for m in marks)


# Slower, and much larger in memory.
SANITIZED = built_with(b"__asan_init", b"__tsan_init")
THREAD_SANITIZED = built_with(b"__tsan_init")
EFFECTS = {signal.SIGTERM: ("draining",), signal.SIGINT: ("draining",),
           signal.SIGHUP: ("reloaded", "reload_refused")}


def merged(base, over):
    """OVER into BASE, maps key by key; None takes a key out."""
    out = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        elif value is None:
            out.pop(key, None)
        else:
            out[key] = value
    return out


class Edge:
    """With Edge({...}) as e: a running edge. CONFIG is laid over a small default."""

    def __init__(self, config=None, start=True, raw=None):
        self.folder = Path(tempfile.mkdtemp(prefix="lkit-"))
        os.chmod(self.folder, 0o755)
        self.over, self.raw = config or {}, raw
        self.state = self.folder / "state"
        self.admin = str(self.folder / "admin.sock")
        self.file = self.folder / "edge.yaml"
        self.ca_file = self.folder / "ca.pem"
        self.process, self.lines, self.text = None, [], []
        self.changed = threading.Condition()
        self.checked = True
        self.choose_ports()
        self.write()
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    # --- configuration

    def choose_ports(self):
        self.dns4, self.dns6, self.https, self.https6, self.http, self.metrics = \
            [free_port() for _ in range(6)]

    def default(self):
        return {
            "zone": ZONE,
            "addresses": ["127.0.0.1", "::1"],
            "state": str(self.state),
            "workers": 2,
            "listen": {
                "dns": [f"127.0.0.1:{self.dns4}", f"[::1]:{self.dns6}"],
                "https": [f"127.0.0.1:{self.https}", f"[::1]:{self.https6}"],
                "http": [f"127.0.0.1:{self.http}"],
                "metrics": f"127.0.0.1:{self.metrics}",
            },
            "admin_socket": self.admin,
            "services": [{"name": "web", "url": "http://127.0.0.1:1"}],
            "log": {"level": "debug", "access": str(self.folder / "access.log")},
            "drain": "10s",
        }

    @property
    def config(self):
        return merged(self.default(), self.over)

    def write(self, **over):
        """Writes the file; OVER changes the configuration for good."""
        self.over = merged(self.over, over)
        text = self.raw if self.raw is not None else yaml.safe_dump(self.config, sort_keys=False)
        self.file.write_text(text)

    # --- the process

    def command(self, *args):
        return [LINKUPD, "--config", str(self.file), *args]

    def run(self, *args, command=None, **kw):
        """To its end: --check and its like, and starts that fail."""
        return subprocess.run(command or self.command(*args), capture_output=True, text=True,
                              timeout=PATIENCE, check=False, **kw)

    def spawn(self, prefix=(), env=None, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE):
        command = [*prefix, *self.command()]
        if not prefix:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with self.changed:
            self.lines, self.text = [], []
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            start_new_session=True, env={**os.environ, **(env or {})})
        self.checked = False
        if stderr != subprocess.PIPE: # somebody else's to read
            self.text = [None]
            return
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()

    def _read_log(self, pipe):
        for raw in pipe:
            text = raw.decode("utf-8", "replace").rstrip("\n")
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            with self.changed:
                self.text.append(text)
                if isinstance(line, dict):
                    self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.text.append(None)
            self.changed.notify_all()
        pipe.close()

    def start(self, **kw):
        for attempt in range(5):
            self.spawn(**kw)
            try:
                self.wait_log("edge_ready")
                break
            except Late:
                if attempt == 4 or not any("cannot listen" in (t or "") for t in self.text):
                    raise
                self.choose_ports()
                self.write()
        if not self.ca_file.exists():
            self.fetch_ca()
        return self

    def fetch_ca(self):
        a = self.api("GET", "/v1/ca.pem")
        if a.status == 200:
            self.ca_file.write_bytes(a.body)

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        at = self.mark()
        os.kill(self.pid, number)
        if THREAD_SANITIZED and number in EFFECTS and self.process.stderr:
            self.insist(number, at)

    def insist(self, number, at):
        """ThreadSanitizer now and then loses a signal that comes between its hands (one in a hundred
        right behind the start; none in 10,000 without it). It is sent again when nothing is seen of
        it."""
        if number != signal.SIGHUP and any(x.get("event") == "draining" for x in self.lines):
            return
        try:
            self.wait_log(EFFECTS[number], 3, at)
        except Late:
            if self.process.poll() is None:
                os.kill(self.pid, number)

    def log(self):
        with self.changed:
            return "\n".join(t for t in self.text if t is not None)

    def wait_log(self, event, seconds=PATIENCE, after=0, **fields):
        """Until a line with this event (or one of these), and with these fields, stands in the log at
        AFTER or later."""
        events = (event,) if isinstance(event, str) else event
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for i, line in enumerate(self.lines[after:], after):
                    if line.get("event") in events and \
                            all(line.get(k) == v for k, v in fields.items()):
                        return i, line
                if self.text and self.text[-1] is None:
                    raise Late(f"the edge ended before {event}:\n" + "\n".join(self.text[-30:-1]))
                if not self.changed.wait(end - time.monotonic()):
                    raise Late(f"no {event}:\n" + "\n".join(map(str, self.text[-30:])))

    def mark(self):
        """For `after`: lines from now on."""
        with self.changed:
            return len(self.lines)

    def wait(self, seconds=PATIENCE):
        """Until the process ends by itself; its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired as e:
            raise Late("the edge does not end") from e
        with self.changed:
            while not (self.text and self.text[-1] is None):
                self.changed.wait(5)
        self.check_sanitizers()
        return code

    def check_sanitizers(self):
        self.checked = True
        found = SANITIZER.search(self.log())
        assert not found, self.log()[found.start() - 200:][:6000]

    def kill(self):
        """As a power cut would, but for the kernel's cache."""
        if self.process and self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        if self.process:
            self.wait()

    def stop(self):
        """SIGTERM; the exit must be a clean one."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code}\n" + self.log()[-4000:]

    def restart(self):
        self.stop()
        self.start()

    def reload(self, **over):
        """SIGHUP after a change; what the log said: reloaded or reload_refused."""
        self.write(**over)
        at = self.mark()
        self.signal(signal.SIGHUP)
        line = self.wait_log(EFFECTS[signal.SIGHUP], after=at)[1]
        return line["event"], line

    def close(self):
        try:
            if self.process and self.process.poll() is None:
                self.stop()
            elif self.process and not self.checked:
                code = self.wait()
                raise AssertionError(f"the edge died: {code}\n" + self.log()[-4000:])
        finally:
            if self.process and self.process.poll() is None:
                os.killpg(self.pid, signal.SIGKILL)
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log()[-8000:])  # pytest shows it with the failure
        self.close()

    # --- the API

    def api(self, method, path, body=None, fields=(), token=None):
        """Over the admin socket."""
        with Http1(connect_unix(self.admin), "edge." + ZONE) as c:
            return self.call(c, method, path, body, fields, token)

    @staticmethod
    def call(c, method, path, body=None, fields=(), token=None):
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        if token:
            pairs.append(("authorization", f"Bearer {token}"))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None and not any(n == "content-type" for n, _ in pairs):
            pairs.append(("content-type", "application/json"))
        return c.request(method, path, pairs, body)

    def session(self, name, services=None, **more):
        """Makes a session, or fails."""
        body = {"services": services or {}, **more}
        a = self.api("PUT", f"/v1/sessions/{name}", body)
        assert a.status in (200, 201), a
        return a.json()

    def end_session(self, name):
        a = self.api("DELETE", f"/v1/sessions/{name}")
        assert a.status == 204, a

    @property
    def admin_token(self):
        return (self.state / "admin.token").read_text().strip()

    def token(self, scope, name="test"):
        a = self.api("POST", "/v1/tokens", {"name": name, "scope": scope})
        assert a.status == 201, a
        return a.json()["token"]

    # --- clients

    def tls_context(self, alpn=("http/1.1",), verify=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if verify:
            context.load_verify_locations(self.ca_file)
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    def tls(self, host, alpn=("http/1.1",), context=None, port=None, session=None, **kw):
        """A TLS connection with SNI HOST, its certificate checked against the edge's CA."""
        context = context or self.tls_context(alpn, **kw)
        raw = connect(port or self.https)
        try:
            return context.wrap_socket(raw, server_hostname=host, session=session)
        except BaseException:
            raw.close()
            raise

    def h1(self, host, sni=None, **kw):
        return Http1(self.tls(sni or host, **kw), host)

    def h2(self, host, sni=None, settings=None, auto_window=True, **kw):
        sock = self.tls(sni or host, alpn=("h2",), **kw)
        assert sock.selected_alpn_protocol() == "h2"
        return Http2(sock, host, settings, auto_window)

    def get(self, host, path="/", fields=(), method="GET", body=None, sni=None, **kw):
        """One request over a connection of its own."""
        with self.h1(host, sni) as c:
            return c.request(method, path, fields, body, **kw)

    def get2(self, host, path="/", fields=(), method="GET", body=None, sni=None, **kw):
        with self.h2(host, sni) as c:
            return c.request(method, path, fields, body, **kw)

    def url(self, host, path="/"):
        return f"https://{host}:{self.https}{path}"

    def curl(self, *args, **kw):
        """curl that finds every host here and trusts the CA."""
        command = ["curl", "-sS", "--max-time", str(int(PATIENCE)), "--cacert", str(self.ca_file),
                   "--connect-to", f"::127.0.0.1:{self.https}", *args]
        return subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE * 2, **kw)

    def plain(self, port=None, address="127.0.0.1"):
        """HTTP without TLS: the redirecting port, or another."""
        return Http1(connect(port or self.http, address), "127.0.0.1")

    def probe(self, path):
        with self.plain(self.metrics) as c:
            return c.request("GET", path)

    def metric(self, name):
        """Its value, summed over all labels."""
        values = [float(line.rsplit(" ", 1)[1])
                  for line in self.probe("/metrics").body.decode().splitlines()
                  if line.startswith((name + " ", name + "{"))]
        assert values, f"no metric {name}"
        return sum(values)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def rss_kib(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")


def is_open(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), timeout=5).close()
        return True
    except OSError:
        return False
