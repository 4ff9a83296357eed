"""The tables of attacks/, row by row, through a real edge with one worker, so that a back connection that
one request could have poisoned is the one that the next request is given.

After every row a marked request on a new connection must reach the backend as it was sent and be given its
own answer; and all that the backends received is read a second time, by a reader that bears no ambiguity.
"""

import ssl

import pytest

from attacks import h1_requests, h1_responses, h2_requests
from attacks.words import CLOSES, CUT, NOTHING, OK, RESET, WAITS, AtMost, Says, Then
from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1, NoAnswer
from support.net import PATIENCE, connect_unix
from support.strict import Wire

HOST = "web." + ZONE


class Watch:
    """What the backend received since `fresh`, by the strict reader."""

    def __init__(self, back):
        self.back, self.wires, self.marks = back, {}, 0

    def fresh(self):
        self.back.forget()
        self.back.scripts.clear()
        for c in [c for c in self.back.connections if c.ended.is_set()]:
            self.back.connections.remove(c)
            self.wires.pop(id(c), None)
        self.read()
        for wire in self.wires.values():
            wire.whole.clear()

    def read(self):
        """Every whole request, and what has begun and not ended."""
        whole, begun = [], []
        for c in list(self.back.connections):
            wire = self.wires.setdefault(id(c), Wire())
            data = bytes(c.raw)
            del c.raw[:len(data)]
            wire.feed(data)
            whole += wire.whole
            begun += [wire.rest] if wire.rest else []
        return whole, begun

    def mark(self, edge):
        """An ordinary request: its own answer, and the backend saw just that."""
        self.marks += 1
        path = f"/mark-{self.marks}"
        a = edge.get(HOST, path, {"x-mark": str(self.marks)}, "POST", b"own")
        assert a.status == 200 and a.whole, a
        told = a.json()
        assert (told["target"], told["body"]) == (path, "own")
        assert ["x-mark", str(self.marks)] in told["fields"]
        return "POST", path, b"own", []


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"workers": 1, "services": [{"name": "web", "url": back.url}]}) as e:
        yield e


@pytest.fixture(name="watch", scope="module")
def fixture_watch(back):
    return Watch(back)


def names(table):
    return [row[0] for row in table]


def same(whole, wanted):
    assert len(whole) == len(wanted), (whole, wanted)
    for (method, target, body, trailers), w in zip(whole, wanted):
        assert (target, body) == (w.target, w.body)
        assert w.method in (None, method) and trailers == list(w.trailers)


def says(c, answer, wanted, method):
    """The client's side of a row."""
    if answer is WAITS:
        return  # closed by the caller, in the middle
    for _ in wanted if wanted is not CUT else []:
        assert c.answer(method).status == 200
    if answer is OK:
        assert c.request(target="/next").json()["target"] == "/next"
    elif answer is CLOSES:
        assert c.ends() == b""
    elif isinstance(answer, Says):
        assert c.answer().status == answer.status
        assert c.request(target="/next").json()["target"] == "/next"
    else:
        a = c.answer()
        assert a.status == (answer.status if isinstance(answer, Then) else answer), a
        assert a.get("connection") == "close"
        assert c.ends() == b"", "nothing may follow a refusal"


@pytest.mark.parametrize("row", h1_requests.TABLE, ids=names(h1_requests.TABLE))
def test_h1_requests(edge, back, watch, row):
    _, data, answer, wanted, _ = row
    watch.fresh()
    with edge.h1(HOST) as c:
        try:
            c.send(data)
        except (OSError, ssl.SSLError):
            pass  # refused before all of it was taken: what was said is read below
        says(c, answer, wanted, "HEAD" if data.startswith(b"HEAD") else "GET")
    mark = watch.mark(edge)
    whole, begun = watch.read()
    assert whole.pop() == mark or mark in whole
    if answer is OK or isinstance(answer, Says):
        assert whole.pop()[1] == "/next"
    if wanted is CUT:
        assert not whole
        if answer is not WAITS:
            assert not [b for b in begun if b"/evil" in b]
    else:
        same(whole, wanted)
        assert not begun


# --- HTTP/2

def send2(c, steps):
    """All of a row at once, so that nothing is answered in between."""
    if isinstance(steps[0], tuple):
        steps = [steps, None]
    s = c.start(headers=steps[0], end=steps[1] is None, flush=False)
    for step in steps[1:]:
        if step is h2_requests.FIN:
            c.h2.send_data(s.number, b"", end_stream=True)
        elif isinstance(step, h2_requests.Trailers):
            c.h2.send_headers(s.number, list(step.fields), end_stream=True)
        elif step:
            c.h2.send_data(s.number, step)
    c.flush()
    return s


def what_happened(c, s):
    if s.reset is not None or c.goaway:
        assert (c.goaway if s.reset is None else s.reset) == 1, "PROTOCOL_ERROR"
        return RESET
    return OK if s.status == 200 else Says(s.status)


@pytest.mark.parametrize("row", h2_requests.TABLE, ids=names(h2_requests.TABLE))
def test_h2_requests(edge, watch, row):
    _, steps, answer, wanted, _ = row
    watch.fresh()
    with edge.h2(HOST) as c:
        s = send2(c, steps)
        c.until(lambda: s.over or c.closed or c.goaway)
        assert what_happened(c, s) == answer
        if not c.goaway and not c.closed:
            assert c.request(path="/next").json()["target"] == "/next"
    mark = watch.mark(edge)
    whole, begun = watch.read()
    assert mark in whole
    whole = [w for w in whole if w != mark and w[1] != "/next"]
    if wanted is CUT:
        assert not whole
    elif isinstance(wanted, AtMost):
        same(whole, whole and [wanted.request])
    else:
        same(whole, wanted)
        assert not begun


@pytest.mark.parametrize("way", ["the API", "redirects"])
def test_others_read_as_strictly(edge, way):
    """The admin socket, whose peers count as admin, and the port without TLS. Neither cares for hosts
    as long as they are written as hosts are."""
    for name, data, answer, wanted, _ in h1_requests.TABLE:
        if not isinstance(answer, int) or wanted is not NOTHING:
            continue
        with Http1(connect_unix(edge.admin)) if way == "the API" else edge.plain() as c:
            c.send(data)
            a = c.answer()
            assert a.status == answer or name.startswith("host: "), (name, a)
            if a.status == answer:
                assert a.get("connection") == "close" and c.ends() == b"", name


# --- answers

def answers(row):
    """A script for the backend: once what the row says, and nothing it did not say."""
    sent = row[1]

    def answer(c, _):
        if isinstance(sent, h1_responses.Ends):
            c.send(sent.data)
            c.close()
        return sent

    return answer


def gets(a, want, h2):
    """The client's side: a whole answer without anything of the poison."""
    assert a.status == want.status and a.whole, a
    assert not a.get("x-poison") and b"poison" not in a.body
    if want is h1_responses.BAD:
        return
    assert a.body == want.body
    assert tuple(i.status for i in a.interims) == want.interims
    if not want.body:
        assert a.get("content-length") in ((want.length,) if want.length else (None, "0"))
    assert [tuple(t) for t in a.trailers] == list(want.trailers)
    hops = {"connection", "keep-alive", "proxy-connection", "upgrade", "transfer-encoding", "x-hop"}
    assert not {n for n, _ in a.fields} & (hops if h2 else hops - {"transfer-encoding"})


def ask_h1(edge, method, want):
    """The answer, and the next one on the same connection where it goes on."""
    with edge.h1(HOST) as c:
        if want is h1_responses.BROKEN:
            c.send(f"{method} /a HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            try:
                a = c.answer(method)
            except NoAnswer:
                return
            assert not a.whole and b"poison" not in a.body and c.ends() == b""
            return
        gets(c.request(method, "/a"), want, False)
        assert c.request(target="/next").json()["target"] == "/next"


def ask_h2(edge, method, want):
    with edge.h2(HOST) as c:
        s = c.request(method, "/a")
        if want is h1_responses.BROKEN:
            assert s.reset == 2 and not s.ended and b"poison" not in s.body, "INTERNAL_ERROR"
        else:
            assert s.reset is None
            gets(s, want, True)
        assert c.request(path="/next").json()["target"] == "/next"


@pytest.mark.parametrize("ask", [ask_h1, ask_h2])
@pytest.mark.parametrize("row", h1_responses.TABLE, ids=names(h1_responses.TABLE))
def test_h1_responses(edge, back, watch, ask, row):
    name, _, want, fate, _ = row
    watch.fresh()
    method = "HEAD" if ": HEAD" in name else "GET"
    edge.get(HOST, "/warm")  # so that what a pool could do wrong has a connection to do it with
    back.on("/a", answers(row))
    ask(edge, method, want)
    watch.mark(edge)
    attacked = [r.conn for r in back.seen(lambda r: r.path == "/a")]
    after = [r.conn for r in back.seen(lambda r: r.path == "/next" or r.path.startswith("/mark-"))]
    again = row[1] == h1_responses.Ends(b"")  # the pooled connection was dead, as far as can be told
    assert len(attacked) == 1 + again, "what may have been done is not asked a second time"
    assert (attacked[0] in after) == (fate is h1_responses.KEPT), fate
    if fate is h1_responses.GONE:
        attacked[0].ended.wait(PATIENCE)
    assert not watch.read()[1]


def test_there_are_enough():
    for table, enough in ((h1_requests.TABLE, 300), (h2_requests.TABLE, 150), (h1_responses.TABLE, 120)):
        assert len(table) >= enough
        assert len(set(names(table))) == len(table), "names are unique"
