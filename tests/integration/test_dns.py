"""DNS on the wire: what a resolver, a monitoring probe and an attacker see."""

import random
import select
import socket
import struct
import subprocess

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from support.edge import ZONE, Edge
from support.net import PATIENCE, wait_until

V4, V6 = "192.0.2.10", "2001:db8::10"
BIG = "big"

DNS_CONFIG = {
    "addresses": [V4, V6],
    "nameservers": ["ns1", "ns2.example.net."],
    "services": [{"name": "web", "url": "http://127.0.0.1:1"},
                 {"name": "api", "url": "http://127.0.0.1:1"}],
    "domains": [{"domain": ZONE, "default_service": "web"},
                {"domain": "shop." + ZONE, "default_service": "web"}],
    "public_port": 443,
    "dns": {
        "ttl": 77,
        "nsid": "edge-under-test",
        "caa": ['0 issue "ca.example.net"'],
        "records": [
            "@ 300 IN MX 10 mail",
            "mail 300 IN A 198.51.100.25",
            "www 120 IN CNAME web",
            "out IN CNAME elsewhere.example.",
            "_acme-challenge.s 1 IN TXT \"token\"",
            "*.wild 5 IN TXT \"from the wildcard\"",
            "pinned IN A 198.51.100.99",
        ] + [f"{BIG} IN TXT \"{i:02d}{'x' * 240}\"" for i in range(12)],
    },
}


@pytest.fixture(name="edge", scope="module")
def fixture_edge():
    with Edge(DNS_CONFIG) as e:
        yield e


WAYS = ["udp4", "udp6", "tcp4", "tcp6"]


def send(edge, query, way="udp4", **kw):
    address, port = ("127.0.0.1", edge.dns4) if way[-1] == "4" else ("::1", edge.dns6)
    ask = dns.query.udp if way.startswith("udp") else dns.query.tcp
    return ask(query, address, port=port, timeout=PATIENCE, **kw)


def make(name, kind="A", **kw):
    kw.setdefault("use_edns", False)
    return dns.message.make_query(name if name.endswith(".") else f"{name}.{ZONE}.", kind, **kw)


def ask(edge, name, kind="A", way="udp4", **kw):
    return send(edge, make(name, kind, **kw), way)


def texts(section):
    return sorted(f"{rr.name} {rr.ttl} {dns.rdatatype.to_text(rr.rdtype)} {rd.to_text()}"
                  for rr in section for rd in rr)


def is_nodata(m):
    return (m.rcode() == dns.rcode.NOERROR and not m.answer and
            [rr.rdtype for rr in m.authority] == [dns.rdatatype.SOA])


def raw_udp(edge, data, seconds=PATIENCE):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.sendto(data, ("127.0.0.1", edge.dns4))
        return s.recv(65535)


def kdig(edge, *args):
    r = subprocess.run(["kdig", "@127.0.0.1", "-p", str(edge.dns4), *args], capture_output=True,
                       text=True, check=False, timeout=PATIENCE)
    assert r.returncode == 0, r.stderr
    return r.stdout


# --- answers

@pytest.mark.parametrize("way", WAYS)
def test_names_of_sessions_and_services_lead_to_the_edge(edge, way):
    for name in ("web", "edge", "web.peter", "x.y.z.peter", "web--peter", "never-heard-of"):
        for kind, want in (("A", V4), ("AAAA", V6)):
            m = ask(edge, name, kind, way)
            assert texts(m.answer) == [f"{name}.{ZONE}. 77 {kind} {want}"]
            assert m.flags & dns.flags.AA and m.flags & dns.flags.QR
            assert not m.flags & (dns.flags.RA | dns.flags.TC | dns.flags.AD)
            assert m.question == make(name, kind).question


@pytest.mark.parametrize("way", WAYS)
def test_the_apex(edge, way):
    apex = ZONE + "."
    soa = ask(edge, apex, "SOA", way).answer[0][0]
    assert soa.mname.to_text() == f"ns1.{ZONE}." and soa.rname.to_text() == f"hostmaster.{ZONE}."
    assert soa.minimum <= 60
    ns = ask(edge, apex, "NS", way)
    assert texts(ns.answer) == [f"{ZONE}. 77 NS ns1.{ZONE}.", f"{ZONE}. 77 NS ns2.example.net."]
    assert texts(ns.additional) == [f"ns1.{ZONE}. 77 A {V4}", f"ns1.{ZONE}. 77 AAAA {V6}"]
    assert texts(ask(edge, apex, "A", way).answer) == [f"{ZONE}. 77 A {V4}"]
    assert texts(ask(edge, apex, "AAAA", way).answer) == [f"{ZONE}. 77 AAAA {V6}"]
    assert texts(ask(edge, apex, "CAA", way).answer) == [
        f'{ZONE}. 77 CAA 0 issue "ca.example.net"']
    mx = ask(edge, apex, "MX", way)
    assert texts(mx.answer) == [f"{ZONE}. 300 MX 10 mail.{ZONE}."]
    assert texts(mx.additional) == [f"mail.{ZONE}. 300 A 198.51.100.25"]


def test_https_records(edge):
    answer = ask(edge, "web.peter", "HTTPS").answer
    assert texts(answer) == [f'web.peter.{ZONE}. 77 HTTPS 1 . alpn="h2,http/1.1"']


def test_https_records_tell_another_port():
    with Edge({**DNS_CONFIG, "public_port": 8443}) as e:
        answer = ask(e, "web.peter", "HTTPS").answer
        assert texts(answer) == [f'web.peter.{ZONE}. 77 HTTPS 1 . alpn="h2,http/1.1" port="8443"']


@pytest.mark.parametrize("kind", ["TXT", "MX", "NS", "SOA", "CAA", "SRV", "PTR", "DS", "DNSKEY",
                                  "CNAME", "TYPE65280"])
def test_other_types_are_nodata_with_soa(edge, kind):
    for name in ("web.peter", "s"):
        m = ask(edge, name, kind)
        assert is_nodata(m) and m.flags & dns.flags.AA
        assert m.authority[0].name.to_text() == ZONE + "." and m.authority[0].ttl <= 60


def test_a_challenge_leaves_the_wildcard_alone(edge):
    """acme-dns 257, coredns 4314: a name that exists for a TXT took its parents' wildcard away."""
    assert texts(ask(edge, "_acme-challenge.s", "TXT").answer) == [
        f'_acme-challenge.s.{ZONE}. 1 TXT "token"']
    for name in ("s", "web.s", "a.b.s"):
        assert texts(ask(edge, name).answer) == [f"{name}.{ZONE}. 77 A {V4}"]
    assert is_nodata(ask(edge, "s", "TXT"))


def test_static_records_win(edge):
    assert texts(ask(edge, "pinned").answer) == [f"pinned.{ZONE}. 77 A 198.51.100.99"]
    assert is_nodata(ask(edge, "pinned", "AAAA"))
    assert texts(ask(edge, "any.wild", "TXT").answer) == [
        f'any.wild.{ZONE}. 5 TXT "from the wildcard"']


def test_aliases(edge):
    m = ask(edge, "www")
    assert texts(m.answer) == [f"web.{ZONE}. 77 A {V4}", f"www.{ZONE}. 120 CNAME web.{ZONE}."]
    assert texts(ask(edge, "out").answer) == [f"out.{ZONE}. 77 CNAME elsewhere.example."]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["example.com.", "not" + ZONE + ".", "test.", ".", "linkup."])
def test_other_zones_are_refused(edge, name, way):
    m = ask(edge, name, "A", way)
    assert m.rcode() == dns.rcode.REFUSED
    assert not m.answer and not m.authority and not m.flags & dns.flags.AA


@pytest.mark.parametrize("rdclass", ["CH", "HS", "NONE", "ANY"])
def test_other_classes_are_refused(edge, rdclass):
    m = ask(edge, "web", "A", rdclass=rdclass)
    assert m.rcode() == dns.rcode.REFUSED and not m.answer


@pytest.mark.parametrize("opcode", [dns.opcode.IQUERY, dns.opcode.STATUS, dns.opcode.NOTIFY,
                                    dns.opcode.UPDATE, 3, 6, 15])
def test_other_opcodes_are_not_implemented(edge, opcode):
    wire = bytearray(make("web").to_wire())
    wire[2] = opcode << 3
    out = raw_udp(edge, bytes(wire))
    assert out[:2] == bytes(wire[:2]) and out[3] & 15 == dns.rcode.NOTIMP
    assert out[2] & 0x80 and out[2] >> 3 & 15 == opcode


def test_any_is_minimal(edge):
    """RFC 8482."""
    for name in ("web.peter", ZONE + "."):
        m = ask(edge, name, "ANY")
        assert [rr.rdtype for rr in m.answer] == [dns.rdatatype.HINFO]
        assert "RFC8482" in m.answer[0][0].to_text()


def test_transfers_are_refused(edge):
    assert ask(edge, ZONE + ".", "AXFR", "tcp4").rcode() == dns.rcode.REFUSED
    assert ask(edge, ZONE + ".", "AXFR").rcode() == dns.rcode.FORMERR
    assert ask(edge, ZONE + ".", "IXFR").rcode() in (dns.rcode.REFUSED, dns.rcode.FORMERR)


def test_case_is_kept_and_does_not_matter(edge):
    """What resolvers mix against spoofing (0x20) must come back as it was sent."""
    rng = random.Random(1)
    for _ in range(20):
        name = "".join(rng.choice((c.upper(), c)) for c in f"web.peter.{ZONE}.")
        m = ask(edge, name)
        assert m.question[0].name.to_text() == name
        assert m.answer[0][0].address == V4
        assert m.answer[0].name.to_text() == name


def test_names_are_compressed(edge):
    m = raw_udp(edge, make(ZONE + ".", "NS").to_wire())
    assert m.lower().count(b"\6linkup\4test") == 1


def test_rd_is_copied_and_ra_is_not_set(edge):
    for rd in (0, dns.flags.RD):
        m = ask(edge, "web", flags=rd)
        assert m.flags & dns.flags.RD == rd and not m.flags & dns.flags.RA


def test_long_names(edge):
    label = "a" * 63
    free = 253 - len(ZONE) - 1
    name = ".".join([label] * 4)[:free].rstrip(".")
    assert texts(ask(edge, name).answer) == [f"{name}.{ZONE}. 77 A {V4}"]


# --- EDNS

def test_edns_says_its_size_and_version(edge):
    m = ask(edge, "web", use_edns=0, payload=4096)
    assert m.edns == 0 and m.payload == 1232
    plain = ask(edge, "web")
    assert plain.edns == -1
    assert ask(edge, "web", use_edns=0, want_dnssec=True).ednsflags & dns.flags.DO


def test_edns_other_version(edge):
    wire = bytearray(make("web", use_edns=0).to_wire())
    wire[-5] = 1
    m = dns.message.from_wire(raw_udp(edge, bytes(wire)))
    assert m.rcode() == dns.rcode.BADVERS and m.edns == 0 and not m.answer


def test_edns_unknown_options_are_ignored(edge):
    m = ask(edge, "web", use_edns=0, options=[dns.edns.GenericOption(65001, b"hello"),
                                              dns.edns.ECSOption("192.0.2.0", 24)])
    assert m.rcode() == dns.rcode.NOERROR and m.answer and not m.options


def test_edns_in_errors(edge):
    m = ask(edge, "example.com.", use_edns=0)
    assert m.rcode() == dns.rcode.REFUSED and m.edns == 0


def test_two_opts_are_malformed(edge):
    wire = bytearray(make("web", use_edns=0).to_wire())
    wire += wire[-11:]
    wire[11] = 2
    assert raw_udp(edge, bytes(wire))[3] & 15 == dns.rcode.FORMERR


def test_nsid(edge):
    m = ask(edge, "web", use_edns=0, options=[dns.edns.GenericOption(dns.edns.NSID, b"")])
    assert [o.data for o in m.options if o.otype == dns.edns.NSID] == [b"edge-under-test"]
    assert not ask(edge, "web", use_edns=0).options
    assert "edge-under-test" in kdig(edge, "+nsid", f"web.{ZONE}")


COOKIE = 10


def cookie_of(m):
    found = [o.data for o in m.options if o.otype == COOKIE]
    assert len(found) <= 1
    return found[0] if found else None


def with_cookie(edge, cookie, way="udp4", name="web"):
    return ask(edge, name, way=way, use_edns=0, options=[dns.edns.GenericOption(COOKIE, cookie)])


@pytest.mark.parametrize("way", WAYS)
def test_cookies(edge, way):
    """RFC 9018: version 1, and never the client's own bytes echoed (coredns 6187)."""
    client = b"\1\2\3\4\5\6\7\x08"
    m = with_cookie(edge, client, way)
    first = cookie_of(m)
    assert m.answer and len(first) == 24 and first[:8] == client and first[8:12] == b"\1\0\0\0"
    again = with_cookie(edge, first, way)
    assert again.rcode() == dns.rcode.NOERROR and again.answer and cookie_of(again)[:8] == client
    other = cookie_of(with_cookie(edge, b"\xff" * 8, way))
    assert other[16:] != first[16:]


def test_cookies_of_one_worker_are_good_at_another(edge):
    """A query with a cookie alone tells whether it is good: BADCOOKIE otherwise (RFC 7873 5.4)."""
    cookie = cookie_of(with_cookie(edge, b"12345678"))
    for _ in range(40):  # fresh ports: SO_REUSEPORT spreads them
        q = dns.message.Message()
        q.use_edns(0, options=[dns.edns.GenericOption(COOKIE, cookie)])
        assert send(edge, q).rcode() == dns.rcode.NOERROR
    forged = cookie[:-1] + bytes([cookie[-1] ^ 1])
    q = dns.message.Message()
    q.use_edns(0, options=[dns.edns.GenericOption(COOKIE, forged)])
    m = send(edge, q)
    assert m.rcode() == dns.rcode.BADCOOKIE and len(cookie_of(m)) == 24


@pytest.mark.parametrize("length", [0, 1, 7, 9, 15, 41, 100])
def test_cookies_of_impossible_length(edge, length):
    assert with_cookie(edge, b"x" * length).rcode() == dns.rcode.FORMERR


def test_kdig_with_cookies(edge):
    out = kdig(edge, "+cookie", "+badcookie", f"web.{ZONE}")
    assert "NOERROR" in out and V4 in out


# --- size

def test_what_does_not_fit_is_truncated_and_whole_over_tcp(edge):
    for payload, edns in ((512, -1), (512, 0), (1232, 0), (4096, 0), (65535, 0)):
        m = ask(edge, BIG, "TXT", use_edns=edns if edns >= 0 else False, payload=payload)
        assert m.flags & dns.flags.TC and not m.answer and m.question
        wire = raw_udp(edge, make(BIG, "TXT", use_edns=edns if edns >= 0 else False,
                                  payload=payload).to_wire())
        assert len(wire) <= min(payload, 1232)
    for way in ("tcp4", "tcp6"):
        m = ask(edge, BIG, "TXT", way)
        assert not m.flags & dns.flags.TC and len(m.answer[0]) == 12


def test_clients_fall_back(edge):
    query = make(BIG, "TXT", use_edns=0)
    m, used_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", port=edge.dns4, timeout=PATIENCE)
    assert used_tcp and len(m.answer[0]) == 12
    out = kdig(edge, BIG + "." + ZONE, "TXT")
    assert out.count("IN\tTXT") >= 12 or out.count("\tTXT\t") >= 12


def test_small_payloads_count_as_512(edge):
    wire = raw_udp(edge, make(ZONE + ".", "NS", use_edns=0, payload=100).to_wire())
    m = dns.message.from_wire(wire)
    assert len(m.answer[0]) == 2 and not m.flags & dns.flags.TC


# --- TCP

def tcp(edge, address="127.0.0.1"):
    port = edge.dns4 if address == "127.0.0.1" else edge.dns6
    s = socket.create_connection((address, port), timeout=PATIENCE)
    return s


def framed(wire):
    return struct.pack(">H", len(wire)) + wire


def read_exact(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def read_message(s):
    return dns.message.from_wire(read_exact(s, struct.unpack(">H", read_exact(s, 2))[0]))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_pipelining(edge, address):
    """RFC 7766 6.2.1.1: many at once, each answered."""
    queries = [make(f"n{i}.peter", random.Random(i).choice(["A", "AAAA", "TXT"]))
               for i in range(300)]
    for i, q in enumerate(queries):
        q.id = i + 1
    with tcp(edge, address) as s:
        s.sendall(b"".join(framed(q.to_wire()) for q in queries))
        answers = {m.id: m for m in (read_message(s) for _ in queries)}
    for q in queries:
        assert q.is_response(answers[q.id])


def test_pipelined_big_answers_wait_for_a_slow_reader(edge):
    """Nothing is lost, nothing is dropped: the server stops reading who does not read."""
    n, sent, got, buf = 8000, 0, 0, bytearray()
    data = framed(make(BIG, "TXT").to_wire()) * n  # 25 MB of answers
    with tcp(edge) as s:
        s.setblocking(False)
        while got < n:
            readable, writable, _ = select.select([s] if sent == len(data) or sent > 200000 else [],
                                                  [s] if sent < len(data) else [], [], 1)
            if writable:
                sent += s.send(data[sent:sent + 65536])
            elif not readable:
                readable, _, _ = select.select([s], [], [], PATIENCE)
                assert readable
            if readable:
                buf += s.recv(1 << 20)
            at = 0
            while len(buf) >= at + 2:
                size = struct.unpack(">H", buf[at:at + 2])[0]
                if len(buf) < at + 2 + size:
                    break
                assert struct.unpack(">H", buf[at + 8:at + 10])[0] == 12  # ANCOUNT
                at += 2 + size
                got += 1
            del buf[:at]


def test_tcp_byte_by_byte(edge):
    with tcp(edge) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for b in framed(make("web.peter").to_wire()):
                s.sendall(bytes([b]))
            assert read_message(s).answer[0][0].address == V4


def test_tcp_half_closed(edge):
    """RFC 7766 6.2.4: who has asked may end its side and wait."""
    with tcp(edge) as s:
        s.sendall(framed(make("web").to_wire()) * 3)
        s.shutdown(socket.SHUT_WR)
        for _ in range(3):
            assert read_message(s).answer
        assert s.recv(1) == b""


GARBAGE = {"length 0": b"\0\0", "length 1": b"\0\1x", "length 11": b"\0\x0bGET / HTTP/",
           "length 65535": b"\xff\xff" + b"x" * 5000, "http": b"GET / HTTP/1.1\r\n\r\n" * 10}


@pytest.mark.parametrize("what", GARBAGE)
def test_tcp_garbage_ends_that_connection_only(edge, what):
    data = GARBAGE[what]
    with tcp(edge) as good, tcp(edge) as bad:
        bad.sendall(data)
        try:
            while bad.recv(4096):
                pass
        except ConnectionResetError:
            pass
        good.sendall(framed(make("web").to_wire()))
        assert read_message(good).answer


def test_many_tcp_connections(edge):
    socks = [tcp(edge) for _ in range(200)]
    try:
        for s in socks:
            s.sendall(framed(make("web").to_wire()))
        for s in socks:
            assert read_message(s).answer
    finally:
        for s in socks:
            s.close()


# --- malformed

def header(qd=1, an=0, ns=0, ar=0, flags=0):
    return struct.pack(">HHHHHH", 4711, flags, qd, an, ns, ar)


QUESTION = b"\3web\6linkup\4test\0\0\1\0\1"
MALFORMED = {
    "no question": (header(0), "FORMERR"),
    "two questions": (header(2) + QUESTION * 2, "FORMERR"),
    "question missing": (header(1), "FORMERR"),
    "name cut": (header() + b"\3we", "FORMERR"),
    "type missing": (header() + b"\3web\0", "FORMERR"),
    "class cut": (header() + QUESTION[:-1], "FORMERR"),
    "pointer in the question": (header() + b"\xc0\x0c\0\1\0\1", "FORMERR"),
    "pointer forward": (header() + b"\xc0\x20\0\1\0\1", "FORMERR"),
    "pointer to itself": (header() + b"\3web\xc0\x10\0\1\0\1", "FORMERR"),
    "label type 01": (header() + b"\x43web\0\0\1\0\1", "FORMERR"),
    "label type 10": (header() + b"\x83web\0\0\1\0\1", "FORMERR"),
    "name of 256": (header() + b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\0\0\1\0\1",
                    "FORMERR"),
    "bytes behind": (header() + QUESTION + b"\0", "FORMERR"),
    "an answer in a query": (header(an=1) + QUESTION + b"\0\0\1\0\1\0\0\0\0\0\0", "FORMERR"),
    "record missing": (header(ar=1) + QUESTION, "FORMERR"),
    "record cut": (header(ar=1) + QUESTION + b"\0\0\x29\x04", "FORMERR"),
    "opt not at the root": (header(ar=1) + QUESTION + b"\1a\0\0\x29\x04\xd0\0\0\0\0\0\0",
                            "FORMERR"),
    "opt's option longer than it": (
        header(ar=1) + QUESTION + b"\0\0\x29\x04\xd0\0\0\0\0\0\4\0\x0a\0\x08", "FORMERR"),
    "counts of 65535": (header(65535, 65535, 65535, 65535) + QUESTION, "FORMERR"),
}
SILENT = {
    "empty": b"", "one byte": b"\0", "eleven bytes": b"\0" * 11,
    "a response": header(flags=0x8000) + QUESTION,
    "a response that is garbage": header(flags=0x8000) + b"\xff" * 40,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(edge, what):
    data, rcode = MALFORMED[what]
    out = raw_udp(edge, data)
    assert out[:2] == data[:2] and out[2] & 0x80
    assert dns.rcode.to_text(out[3] & 15) == rcode
    assert not out[2] & 4, "AA in an error"


@pytest.mark.parametrize("what", SILENT)
def test_what_is_never_answered(edge, what):
    """Answering a response would let two servers play for ever."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", edge.dns4))
        s.send(SILENT[what])
        q = make("web")
        s.send(q.to_wire())  # the same socket, so the same worker and the same order
        assert dns.message.from_wire(s.recv(4096)).id == q.id


def test_random_packets(edge):
    rng = random.Random(20260501)
    good = make("web.peter", use_edns=0, options=[dns.edns.GenericOption(COOKIE, b"12345678")]
                ).to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", edge.dns4))
        for i in range(3000):
            wire = bytearray(good if i % 2 else rng.randbytes(rng.randrange(12, 100)))
            for _ in range(rng.randrange(1, 6)):
                wire[rng.randrange(len(wire))] = rng.randrange(256)
            wire[:2] = b"\0\0"
            s.send(bytes(wire[:rng.randrange(1, len(wire) + 1)]))
            if i % 50 == 0:  # keeps the socket's queue from overflowing
                q = make("web")
                q.id = 1 + i
                s.send(q.to_wire())
                while s.recv(4096)[:2] != q.id.to_bytes(2, "big"):
                    pass
    assert ask(edge, "web").answer


# --- sessions that make names exist

def test_unknown_sessions_nxdomain_follows_sessions_at_once():
    config = {**DNS_CONFIG, "dns": {**DNS_CONFIG["dns"], "unknown_sessions": "nxdomain"}}
    with Edge(config) as e:
        def state(name):
            out = set()
            for way in ["udp4"] * 8 + ["tcp4", "udp6"]:  # every worker
                m = ask(e, name, way=way)
                assert m.authority if m.rcode() == dns.rcode.NXDOMAIN else m.answer
                out.add(dns.rcode.to_text(m.rcode()))
            assert len(out) == 1, out
            return out.pop()

        names = ["peter", "web.peter", "web--peter", "x.web.peter"]
        assert [state(n) for n in names] == ["NXDOMAIN"] * 4
        for name in ("edge", "www", "web", "api", "shop", "ns1", "pinned"):
            assert state(name) == "NOERROR", name
        for _ in range(5):
            e.session("peter", {"web": "http://127.0.0.1:1"})
            assert [state(n) for n in names] == ["NOERROR"] * 4
            assert state("web.mary") == "NXDOMAIN"
            e.end_session("peter")
            assert [state(n) for n in names] == ["NXDOMAIN"] * 4
        m = ask(e, "web.nobody")
        assert m.flags & dns.flags.AA and m.authority[0].rdtype == dns.rdatatype.SOA
        assert m.authority[0].ttl <= 5, "a session may come any time"


def test_metrics_count_queries(edge):
    before = edge.metric("linkup_dns_queries_total")
    for way in WAYS:
        ask(edge, "web", way=way)
    wait_until(lambda: edge.metric("linkup_dns_queries_total") >= before + 4, "the count")


def test_no_listeners():
    """Any of the lists may be empty."""
    with Edge({"listen": {"dns": [], "http": []}}) as e:
        assert e.probe("/readyz").status == 200
