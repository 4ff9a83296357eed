"""TLS: certificates that come when they are asked for, and handshakes that are none."""

import datetime
import random
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from support.backend import Backend
from support.edge import ZONE, Edge
from support.http1 import Http1
from support.net import PATIENCE, connect, wait_until
from support.pki import Issuer

HOST = "web." + ZONE


@pytest.fixture(name="back", scope="module")
def fixture_back():
    with Backend("web") as b:
        yield b


@pytest.fixture(name="edge", scope="module")
def fixture_edge(back):
    with Edge({"services": [{"name": "web", "url": back.url}],
               "domains": [{"domain": ZONE, "default_service": "web"},
                           {"domain": "a.shop." + ZONE, "default_service": "web"}],
               "limits": {"handshake_timeout": "900ms"}}) as e:
        yield e


def certificate(edge, host, context=None):
    with edge.tls(host, context=context) as s:
        return x509.load_der_x509_certificate(s.getpeercert(True))


def names_of(cert):
    return sorted(cert.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName))


def s_client(edge, *args, stdin=b""):
    return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{edge.https}",
                           "-CAfile", str(edge.ca_file), *args], input=stdin, check=False,
                          capture_output=True, timeout=PATIENCE)


# --- certificates

@pytest.mark.parametrize("host,names", [
    (ZONE, [f"*.{ZONE}", ZONE]), ("edge." + ZONE, [f"*.{ZONE}", ZONE]),
    (f"web--peter.{ZONE}", [f"*.{ZONE}", ZONE]), (f"peter.{ZONE}", [f"*.{ZONE}", ZONE]),
    (f"web.peter.{ZONE}", [f"*.peter.{ZONE}", f"peter.{ZONE}"]),
    (f"a.shop.{ZONE}", [f"*.a.shop.{ZONE}", f"a.shop.{ZONE}"]),
    (f"peter.a.shop.{ZONE}", [f"*.a.shop.{ZONE}", f"a.shop.{ZONE}"]),
])
def test_names(edge, host, names):
    """Made at once, verified by Python against the CA, with the names of section 6."""
    cert = certificate(edge, host)
    assert names_of(cert) == names
    assert isinstance(cert.public_key(), ec.EllipticCurvePublicKey)
    assert cert.public_key().curve.name == "secp256r1"
    life = cert.not_valid_after - cert.not_valid_before
    assert datetime.timedelta(days=6) < life <= datetime.timedelta(days=7, hours=2)
    now = datetime.datetime.utcnow()
    assert cert.not_valid_before <= now <= cert.not_valid_after
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in usage
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_ca_is_good_for_the_zone_only(edge):
    ca = x509.load_pem_x509_certificate(edge.ca_file.read_bytes())
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    limits = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert [n.value for n in limits.value.permitted_subtrees
            if isinstance(n, x509.DNSName)] == [ZONE]


@pytest.mark.parametrize("client", ["openssl", "curl"])
def test_other_clients_verify_it(edge, client):
    edge.session("verify")
    host = f"web.verify.{ZONE}"
    if client == "curl":
        r = edge.curl(edge.url(host))
        assert r.returncode == 0, r.stderr
    else:
        r = s_client(edge, "-servername", host, "-verify_return_error", "-verify_hostname", host)
        assert b"Verify return code: 0 (ok)" in r.stdout, r.stdout


def test_one_certificate_for_one_name(edge):
    """Asked for by many at once it is made once; every worker gives the same."""
    results = []

    def ask():
        results.append(certificate(edge, f"web.crowd.{ZONE}").serial_number)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 16 and len(set(results)) == 1


def test_a_certificate_goes_with_its_session(edge):
    def held():
        return edge.api("GET", "/v1/status").json()["certificates"]["held"]

    edge.session("brief")
    before = held()
    first = certificate(edge, f"web.brief.{ZONE}").serial_number
    assert held() == before + 1
    edge.end_session("brief")
    assert held() == before
    edge.session("brief")
    wait_until(lambda: certificate(edge, f"web.brief.{ZONE}").serial_number != first,
               "a certificate of its own")


def test_a_name_in_the_making_holds_up_nobody(edge):
    """A hundred new names at once, and an old one between them."""
    context = edge.tls_context()
    done, errors = [], []

    def ask(i):
        try:
            edge.tls(f"web.new{i}.{ZONE}", context=context).close()
            done.append(i)
        except OSError as e:
            errors.append(e)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(100)]
    for t in threads:
        t.start()
    for _ in range(20):
        assert edge.get(HOST).status == 200
    for t in threads:
        t.join()
    assert len(done) == 100 and not errors


# --- names that are none of ours

@pytest.mark.parametrize("host", ["example.com", "www.example.com", f"not{ZONE}", f"a.b.c.{ZONE}",
                                  "test", f"web.Peter_x.{ZONE}", f"web.a--b.{ZONE}",
                                  f"web.{'x' * 41}.{ZONE}", "localhost"])
def test_unknown_names_are_refused(edge, host):
    context = edge.tls_context(verify=False)
    with pytest.raises(ssl.SSLError) as e:
        edge.tls(host, context=context)
    assert "unrecognized name" in str(e.value).lower().replace("_", " "), e.value


def test_the_case_of_a_name_does_not_matter(edge):
    assert names_of(certificate(edge, f"WEB.Case.{ZONE.upper()}",
                                edge.tls_context(verify=False))) == \
        [f"*.case.{ZONE}", f"case.{ZONE}"]


def test_without_sni_the_zones(edge):
    context = edge.tls_context(verify=False)
    with context.wrap_socket(connect(edge.https)) as s:
        cert = x509.load_der_x509_certificate(s.getpeercert(True))
    assert names_of(cert) == [f"*.{ZONE}", ZONE]


def test_host_chooses_the_route_and_sni_the_certificate(edge, back):
    """Within the certificate both may differ; without it 421."""
    edge.session("mary", {"web": back.url})
    with edge.h1(f"web.mary.{ZONE}") as c:
        assert c.request(host=f"mary.{ZONE}").status != 421
        assert c.request(host=f"other.mary.{ZONE}").status == 404
        for host in (HOST, f"web.peter.{ZONE}", "example.com", ZONE, f"x.web.mary.{ZONE}"):
            a = c.request(host=host)
            assert a.status == 421, (host, a)
        assert c.request(host=f"WEB.MARY.{ZONE}.:443").status == 200


# --- versions, protocols

@pytest.mark.parametrize("version", ["-tls1", "-tls1_1", "-ssl3"])
def test_old_versions_are_refused(edge, version):
    r = s_client(edge, version, "-servername", HOST, "-cipher", "ALL:@SECLEVEL=0")
    assert r.returncode != 0 and b"Cipher is (NONE)" in r.stdout + b"Cipher is (NONE)" * (
        b"Unknown option" in r.stderr or b"nknown option" in r.stderr)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_new_versions_are_spoken(edge, version):
    r = s_client(edge, version, "-servername", HOST, "-verify_return_error")
    assert r.returncode == 0 and b"Verify return code: 0 (ok)" in r.stdout


def test_weak_ciphers_are_refused(edge):
    for cipher in ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "DES-CBC3-SHA", "NULL-SHA256", "aNULL"):
        r = s_client(edge, "-tls1_2", "-servername", HOST, "-cipher", cipher + ":@SECLEVEL=0")
        out = r.stdout
        assert b"Cipher is (NONE)" in out or r.returncode != 0, cipher


@pytest.mark.parametrize("offer,want", [
    (["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"),
    (["h2"], "h2"), ([], None), (["http/1.0", "http/1.1"], "http/1.1")])
def test_alpn(edge, offer, want):
    with edge.tls(HOST, alpn=offer) as s:
        assert s.selected_alpn_protocol() == want


def test_alpn_of_something_else(edge):
    """RFC 7301 3.2."""
    with pytest.raises(ssl.SSLError) as e:
        edge.tls(HOST, alpn=["spdy/3"])
    assert "no application protocol" in str(e.value).lower().replace("_", " ")


def test_old_versions_are_told_so(edge):
    r = s_client(edge, "-tls1_1", "-servername", HOST, "-cipher", "ALL:@SECLEVEL=0")
    assert b"protocol version" in r.stderr


# --- resumption

def resume(edge, version, n=12, host=HOST):
    """N connections one after the other, each with the session of the one before."""
    context = edge.tls_context()
    context.minimum_version = context.maximum_version = version
    session, reused = None, []
    for _ in range(n):
        with Http1(edge.tls(host, context=context, session=session), host) as c:
            assert c.request().status in (200, 404)
            reused.append(c.sock.session_reused)
            session = c.sock.session
    return reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_resumption_across_workers(edge, version):
    """Tickets are good at every worker: fresh connections are spread over them."""
    before = edge.metric("linkup_tls_resumed_total")
    reused = resume(edge, version, 24)
    assert reused[0] is False and all(reused[1:]), reused
    assert edge.metric("linkup_tls_resumed_total") >= before + 23


def test_a_ticket_is_good_for_its_names_only(edge):
    context = edge.tls_context()
    with Http1(edge.tls(f"web.one.{ZONE}", context=context), f"web.one.{ZONE}") as c:
        c.request()
        session = c.sock.session
    with edge.tls(f"web.two.{ZONE}", context=context, session=session) as s:
        assert not s.session_reused
        assert names_of(x509.load_der_x509_certificate(s.getpeercert(True))) == \
            [f"*.two.{ZONE}", f"two.{ZONE}"]


def test_certificates_and_tickets_after_a_restart(back):
    """The CA stays, so clients that trust it need not be told."""
    with Edge({"services": [{"name": "web", "url": back.url}]}) as e:
        ca = e.ca_file.read_bytes()
        assert e.get(HOST).status == 200
        e.restart()
        assert e.get(HOST).status == 200 and e.api("GET", "/v1/ca.pem").body == ca
        e.kill()
        e.start()
        assert e.get(HOST).status == 200


# --- PEM files

@pytest.fixture(name="files")
def fixture_files(back):
    e = Edge(start=False)
    e.issuer = Issuer()
    e.serial = e.issuer.write(e.folder, "shop", ["shop.example.org", "*.shop.example.org"])
    e.write(services=[{"name": "web", "url": back.url}],
            domains=[{"domain": "shop.example.org", "default_service": "web"}],
            certificates={"files": [{"cert": "shop.pem", "key": "shop.key"}]})
    with e:
        e.start()
        e.mixed = e.tls_context()
        e.mixed.load_verify_locations(
            cadata=e.issuer.pem)
        yield e


def test_pem_files_beside_the_authority(files):
    for host in ("shop.example.org", "peter.shop.example.org"):
        assert certificate(files, host, files.mixed).serial_number == files.serial
    with Http1(files.tls("shop.example.org", context=files.mixed), "shop.example.org") as c:
        assert c.request().status == 200
    assert names_of(certificate(files, HOST, files.mixed)) == [f"*.{ZONE}", ZONE]


def test_pem_files_are_swapped_when_they_change(files):
    """Without a signal, and connections that are open go on."""
    with Http1(files.tls("shop.example.org", context=files.mixed), "shop.example.org") as c:
        assert c.request().status == 200
        serial = files.issuer.write(files.folder, "shop", ["shop.example.org"])
        wait_until(lambda: certificate(files, "shop.example.org",
                                       files.mixed).serial_number == serial, "the new one", step=0.1)
        assert c.request().status == 200


def test_pem_files_that_break_are_not_taken(files):
    (files.folder / "shop.pem").write_text("nonsense")
    what, _ = files.reload()
    assert what == "reload_refused"
    assert certificate(files, "shop.example.org", files.mixed).serial_number == files.serial


def test_pem_files_that_do_not_fit_refuse_the_start(back):
    with Edge({"services": [{"name": "web", "url": back.url}],
               "certificates": {"files": [{"cert": "a.pem", "key": "b.key"}]}}, start=False) as e:
        issuer = Issuer()
        issuer.write(e.folder, "a", ["a.example"])
        issuer.write(e.folder, "b", ["b.example"])
        for missing in (False, True):
            if missing:
                (e.folder / "b.key").unlink()
            r = e.run()
            assert r.returncode == 1 and ("a.pem" in r.stderr or "b.key" in r.stderr), r.stderr


# --- what is no TLS

GARBAGE = {
    "nothing": b"", "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "zeros": b"\0" * 1000,
    "ssh": b"SSH-2.0-x\r\n", "random": random.Random(1).randbytes(5000),
    "half a hello": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 32,
    "huge record": b"\x16\x03\x01\xff\xff" + b"x" * 70000,
    "alert first": b"\x15\x03\x03\0\2\2\0", "data first": b"\x17\x03\x03\0\4abcd",
    "change cipher first": b"\x14\x03\x03\0\1\1" * 1000, "empty records": b"\x16\x03\x01\0\0" * 5000,
    "ssl 2": b"\x80\x2e\x01\0\2\0\x15\0\0\0\x10" + b"x" * 40,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(edge, what):
    """Answered with an alert or nothing, and closed: at the latest after handshake_timeout."""
    with connect(edge.https) as s:
        s.sendall(GARBAGE[what])
        s.settimeout(PATIENCE)
        got = b""
        try:
            while piece := s.recv(4096):
                got += piece
        except ConnectionResetError:
            pass
        assert b"linkup" not in got and len(got) < 1000
    assert edge.get(HOST).status == 200


def test_plain_http_on_the_tls_port_does_not_hang(edge):
    r = subprocess.run(["curl", "-sS", "--max-time", "20", f"http://127.0.0.1:{edge.https}/"],
                       capture_output=True, check=False, timeout=PATIENCE)
    assert r.returncode not in (0, 28), r


def test_flood_of_garbage(edge):
    """Handshakes of others go on meanwhile, and nothing is left."""
    rng = random.Random(7)
    stop = threading.Event()

    def flood():
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", edge.https), timeout=5) as s:
                    s.sendall(b"\x16\x03\x01" + rng.randbytes(rng.randrange(2, 600)))
            except OSError:
                pass

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(30):
            assert edge.get(HOST).status == 200
    finally:
        stop.set()
        for t in threads:
            t.join()
    assert edge.get(HOST).status == 200


def test_mutated_hellos(edge):
    """A real hello with bytes changed here and there."""
    context = edge.tls_context(verify=False)
    inc, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inc, out, server_hostname=HOST)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = out.read()
    rng = random.Random(11)
    for _ in range(300):
        data = bytearray(hello)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with connect(edge.https) as s:
            s.sendall(bytes(data[:rng.randrange(1, len(data) + 1)]))
            s.shutdown(socket.SHUT_WR)
            s.settimeout(PATIENCE)
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    assert edge.get(HOST).status == 200


def test_clients_that_go_in_the_handshake(edge):
    context = edge.tls_context(verify=False)
    for i in range(60):
        inc, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(inc, out, server_hostname=f"web.gone{i}.{ZONE}")
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        with connect(edge.https) as s:
            s.sendall(out.read())  # and off, while its certificate is being made
    assert edge.get(HOST).status == 200


def test_scanners_cost_little(edge):
    """Made-up names without end: other handshakes go on, memory stays."""
    context = edge.tls_context(verify=False)
    before = edge.rss_kib()
    for i in range(400):
        edge.tls(f"web.scan{i}.{ZONE}", context=context).close()
    assert edge.get(HOST).status == 200
    status = edge.api("GET", "/v1/status").json()
    assert status["certificates"]["held"] <= 20000
    assert edge.rss_kib() - before < 100000


def test_idle_connections_are_cheap(edge):
    context = edge.tls_context()
    socks = [edge.tls(HOST, context=context) for _ in range(50)]
    assert edge.get(HOST).status == 200
    for s in socks:
        s.close()


def test_renegotiation_is_refused(edge):
    r = s_client(edge, "-tls1_2", "-servername", HOST, stdin=b"R\n")
    assert b"RENEGOTIATING" not in r.stdout or r.returncode != 0 or b"closed" in r.stdout or \
        b"no renegotiation" in r.stderr
    assert edge.get(HOST).status == 200
