"""The access log: whoever reads it, or does not, nobody waits for it; and every exchange has its line."""

import fcntl
import json
import os
import socket
import threading

import pytest

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import PATIENCE, wait_until

HOST = "web." + ZONE


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend() as b:
        yield b


def hang(c, _):
    c.wait_end()


def access(e):
    """The whole lines that there are."""
    lines = (e.folder / "access.log").read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def line_of(e, path):
    """The line of PATH, once it is written."""
    return wait_until(lambda: next((x for x in access(e) if x.get("path") == path), None), path)


def ask_many(e, n):
    with e.h1(HOST) as c:
        for i in range(n):
            assert c.request("GET", f"/{i}-" + "x" * 900).status == 200


class Stuck:
    """What is written into a pipe or a socket that nobody reads for now."""

    def __init__(self, kind):
        if kind == "pipe":
            self.reader, self.writer = os.pipe()
        else:
            a, b = socket.socketpair()
            self.reader, self.writer = a.detach(), b.detach()

    def fill(self):
        """Nothing more goes in. The flags of `writer` stay as they are."""
        fd = os.open(f"/proc/self/fd/{self.writer}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(fd, b"x" * 4095 + b"\n")
        except BlockingIOError:
            os.close(fd)

    def flags(self):
        return fcntl.fcntl(self.writer, fcntl.F_GETFL)

    def read_on(self):
        """Everything, until who writes has gone."""
        os.close(self.writer)
        self.writer = -1
        data = b""
        while chunk := os.read(self.reader, 1 << 20):
            data += chunk
        return data

    def close(self):
        for fd in (self.reader, self.writer):
            if fd >= 0:
                os.close(fd)


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_reader_that_is_stuck(back, kind):
    """Requests go on being answered; what is read in the end are whole lines."""
    out = Stuck(kind)
    try:
        with Edge({"services": [{"name": "web", "url": back.url}], "workers": 1,
                   "log": {"access": "stdout"}}, start=False) as e:
            e.start(stdout=out.writer)
            flags = out.flags()
            ask_many(e, 1000)
            assert e.metric("linkup_access_log_dropped_total") > 0
            assert out.flags() == flags and not flags & os.O_NONBLOCK
            done = []
            reader = threading.Thread(target=lambda: done.append(out.read_on()))
            reader.start()
            e.stop()
            reader.join(PATIENCE)
            lines = [x for x in done[0].splitlines() if x]
            assert len(lines) > 50
            assert sum(is_line(x) for x in lines) >= len(lines) - 1
            assert is_line(lines[0]) and is_line(lines[-1])
    finally:
        out.close()


def is_line(text):
    try:
        return "status" in json.loads(text)
    except ValueError:
        return False


def test_the_end_does_not_wait_for_a_stuck_reader(back):
    out = Stuck("pipe")
    try:
        with Edge({"services": [{"name": "web", "url": back.url}], "log": {"access": "stdout"}},
                  start=False) as e:
            e.start(stdout=out.writer)
            ask_many(e, 200)
            e.stop()
    finally:
        out.close()


def is_ready(e):
    try:
        return e.probe("/readyz").status == 200
    except OSError:
        return False


def test_a_log_that_is_stuck(back):
    """Standard error, too: nobody reads it, and what goes wrong is told there."""
    err = Stuck("pipe")
    err.fill()
    try:
        with Edge({"services": [{"name": "web", "url": back.url}, {"name": "dead", "url": "http://127.0.0.1:1"}],
                   "log": {"access": "off"}}, start=False) as e:
            e.spawn(stderr=err.writer)
            wait_until(lambda: is_ready(e), "an edge that is ready")
            e.fetch_ca()
            assert e.get("dead." + ZONE).status == 502
            assert e.get(HOST).status == 200
            assert os.read(err.reader, 1 << 20)
            assert e.get("dead." + ZONE).status == 502
            e.stop()
        text = err.read_on().decode()
        told = [json.loads(x) for x in text.splitlines() if x.startswith("{")]
        assert any(x["event"] == "back_unreachable" and x["dropped"] > 3 for x in told)
    finally:
        err.close()


def test_reopened(back):
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        e.get(HOST, "/before")
        line_of(e, "/before")
        os.rename(e.folder / "access.log", e.folder / "access.log.1")
        e.get(HOST, "/between")
        assert e.reload()[0] == "reloaded"
        e.get(HOST, "/after")
        line_of(e, "/after")
        e.stop()
        new, old = access(e), (e.folder / "access.log.1").read_text()
        assert '"/before"' in old and '"/after"' not in old
        assert ('"/between"' in old) != any(x.get("path") == "/between" for x in new)


def test_a_change_of_form_and_place(back):
    """In force with the next line, without a restart."""
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        e.get(HOST, "/json")
        line_of(e, "/json")
        other = e.folder / "combined.log"
        assert e.reload(log={"access": str(other), "access_format": "combined"})[0] == "reloaded"
        e.get(HOST, "/c?token=secret", {"user-agent": 'x"y', "referer": "https://r.test/?secret"})
        text = wait_until(lambda: other.exists() and other.read_text(), "a line")
        assert '] "GET /c HTTP/1.1" 200 ' in text and r'"https://r.test/" "x\"y" host=' in text
        assert "secret" not in text
        assert e.reload(log={"access": "off"})[0] == "reloaded"
        e.get(HOST, "/off")
        e.stop()
        assert "/off" not in other.read_text()


def test_every_end_has_its_line(back):
    """What could not be read, what was refused, and what nobody waited for."""
    back.on("/slow", hang)
    with Edge({"services": [{"name": "web", "url": back.url}, {"name": "dead", "url": "http://127.0.0.1:1"}]}) as e:
        with Http1(e.tls(HOST), HOST) as c:
            c.send(b"GET / HTTP/1.1\r\nBad Field: 1\r\n\r\n")
            assert c.answer().status == 400
        e.get("dead." + ZONE, "/dead")
        e.get("web.nobody." + ZONE, "/nobody")
        with e.h1(HOST) as c:
            c.send(f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            back.wait(lambda r: r.path == "/slow")
        line_of(e, "/slow")
        e.get(HOST, "/whole")
        line_of(e, "/whole")
        e.stop()
        lines = access(e)
        bad = next(x for x in lines if x["status"] == 400)
        assert bad["page"] == "bad-request" and bad["end"] == "complete"
        dead = next(x for x in lines if x.get("path") == "/dead")
        assert (dead["page"], dead["service"]) == ("backend-refused", "dead")
        assert "connect_seconds" not in dead
        assert next(x for x in lines if x.get("path") == "/nobody")["page"] == "unknown-session"
        slow = next(x for x in lines if x.get("path") == "/slow")
        assert (slow["end"], slow["phase"], slow["status"]) == ("client-gone", "wait", 0)
        whole = next(x for x in lines if x.get("path") == "/whole")
        assert whole["end"] == "complete" and whole["tls"] == "TLSv1.3"
        steps = sum(whole.get(k + "_seconds", 0) for k in ("route", "connect", "wait"))
        assert 0 < steps <= whole["duration_seconds"] + 1e-5


def test_reset_by_the_client(back):
    back.on("/hang", hang)
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        with e.h2(HOST) as c:
            stream = c.start("GET", "/hang")
            back.wait(lambda r: r.path == "/hang")
            c.reset(stream, 8)
            line = line_of(e, "/hang")
        assert (line["end"], line["phase"], line["reset"]) == ("client-reset", "wait", 8)
        assert e.metric("linkup_http_cut_total") == 1
        assert e.get(HOST).status == 200
        assert e.metric("linkup_http_head_seconds_count") == 1
