"""linkup ca: showing the edge's CA, and trusting it in stores of the test's own."""

import json
import os
import shutil
import subprocess

import pytest

from cli_edge import ZONE, Fixture, make_ca

needs_certutil = pytest.mark.skipif(not shutil.which("certutil"), reason="certutil is not installed")


@pytest.fixture(name="f")
def fixture_f(tmp_path):
    fixture = Fixture(tmp_path)
    yield fixture
    fixture.close()


@pytest.fixture(name="root")
def fixture_root(tmp_path):
    """Another system's folders, as update-ca-certificates wants them."""
    root = tmp_path / "root"
    for folder in ("etc/ssl/certs", "etc/ca-certificates/update.d", "usr/share/ca-certificates",
                   "usr/local/share/ca-certificates"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ca-certificates.conf").write_text("other.crt\n")
    make_ca(tmp_path, "other").rename(root / "usr/share/ca-certificates/other.crt")
    return root


def anchor(root):
    return root / "usr/local/share/ca-certificates" / f"linkup-{ZONE}.crt"


def bundle(root):
    return (root / "etc/ssl/certs/ca-certificates.crt").read_text()


def nss_new(folder):
    folder.mkdir(parents=True)
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True,
                   capture_output=True)
    return folder


def nss_trust(folder):
    r = subprocess.run(["certutil", "-L", "-d", f"sql:{folder}"], check=True, capture_output=True,
                       text=True)
    return [line.split()[-1] for line in r.stdout.splitlines() if line.startswith(f"linkup {ZONE}")]


def test_show_prints_the_certificate(f):
    r = f.run("ca", "show", env=f.here(token=None))
    assert (r.returncode, r.stdout, r.stderr) == (0, f.ca.read_text(), "")
    code, shown = f.terminal("ca", "show")
    assert code == 0
    expected = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(f.ca)],
                              check=True, capture_output=True, text=True).stdout.split("=")[1].strip()
    assert expected in shown
    assert f"only for     {ZONE}" in shown
    about = json.loads(f.run("ca", "show", "--json").stdout)
    assert about["sha256"] == expected
    assert about["names"] == [ZONE]
    assert about["limited"] is True
    assert about["not_before"] < about["not_after"]


def test_an_edge_without_a_ca(f):
    f.edge.script["GET /v1/ca.pem"] = (404, {"title": "Not Found", "detail": "This edge has no CA."}, None)
    r = f.run("ca", "show")
    assert r.returncode == 5
    assert "has no CA" in r.stderr


@pytest.mark.parametrize("answer", ["", "no certificate", "twice"])
def test_what_is_no_certificate(f, root, answer):
    text = f.ca.read_text() * 2 if answer == "twice" else answer
    f.edge.script["GET /v1/ca.pem"] = (200, text, "application/x-pem-file")
    assert f.run("ca", "show").returncode == 3
    assert f.run("ca", "trust", "--root", str(root)).returncode == 3
    assert not anchor(root).exists()


def test_a_leaf_is_no_ca(f, root):
    f.edge.script["GET /v1/ca.pem"] = (200, (f.folder / "leaf.pem").read_text(), None)
    r = f.run("ca", "trust", "--root", str(root))
    assert r.returncode == 3
    assert "not the certificate of a CA" in r.stderr


def test_trust_twice_and_untrust_twice(f, root):
    r = f.run("ca", "trust", "--root", str(root))
    assert r.returncode == 0, r.stderr
    assert anchor(root).read_text() == f.ca.read_text()
    assert f.ca.read_text() in bundle(root)
    assert f"{anchor(root)}: trusted\n" in r.stderr
    r = f.run("ca", "trust", "--root", str(root), "--json")
    assert json.loads(r.stdout)["stores"] == [{"store": str(anchor(root)), "state": "trusted already"}]

    # The zone is enough to find it: the edge may have gone.
    f.edge.seen.clear()
    r = f.run("ca", "untrust", "--root", str(root))
    assert r.returncode == 0, r.stderr
    assert f.edge.seen == []
    assert not anchor(root).exists()
    assert f.ca.read_text() not in bundle(root)
    assert [p.name for p in (root / "etc/ssl/certs").iterdir() if not p.exists()] == []
    r = f.run("ca", "untrust", "--root", str(root))
    assert r.returncode == 0
    assert "not there" in r.stderr


def test_the_socket_leads_to_the_same_entry(f, root):
    env = {"LINKUP_EDGE": f"unix:{f.socket}"}
    assert f.run("ca", "trust", "--root", str(root), env=env).returncode == 0
    assert anchor(root).exists()
    assert f.run("ca", "untrust", "--root", str(root), env=env).returncode == 0
    assert not anchor(root).exists()


def test_a_new_ca_takes_the_old_ones_place(f, root):
    assert f.run("ca", "trust", "--root", str(root)).returncode == 0
    old = f.ca.read_text()
    f.edge.ca_pem = make_ca(f.folder, "new")
    assert f.run("ca", "trust", "--root", str(root)).returncode == 0
    assert f.edge.ca_pem.read_text() in bundle(root)
    assert old not in bundle(root)


@pytest.mark.parametrize("constraints, says", [
    ("", "every site"),
    ("critical,excluded;DNS:example.org", "DNS names of its own"),
    (f"critical,permitted;DNS:{ZONE}", "every IP address"),
    (f"critical,permitted;DNS:{ZONE},excluded;IP:0.0.0.0/0.0.0.0", "every IP address")])
def test_an_unlimited_ca_is_refused(f, root, constraints, says):
    f.edge.ca_pem = make_ca(f.folder, "wide", constraints)
    r = f.run("ca", "trust", "--root", str(root))
    assert r.returncode == 1
    assert says in r.stderr
    assert "--force" in r.stderr
    assert not anchor(root).exists()
    assert f.run("ca", "trust", "--root", str(root), "--force").returncode == 0
    assert anchor(root).exists()


def test_a_ca_limited_to_its_own_addresses(f, root):
    f.edge.ca_pem = make_ca(f.folder, "ip", f"critical,permitted;DNS:{ZONE},permitted;IP:10.0.0.0/255.0.0.0")
    assert f.run("ca", "trust", "--root", str(root)).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write there")
def test_without_root_it_says_the_command(f):
    r = f.run("ca", "trust", "--store", "system")
    assert r.returncode == 1
    assert "linkup ca show | sudo tee /usr/local/share/ca-certificates/" in r.stderr


def test_a_folder_that_is_no_system(f, tmp_path):
    r = f.run("ca", "trust", "--root", str(tmp_path))
    assert r.returncode == 1
    assert "no system store" in r.stderr


def test_no_browsers(f):
    r = f.run("ca", "trust", "--store", "nss")
    assert r.returncode == 0
    assert "no browser" in r.stderr


@needs_certutil
def test_browsers(f):
    stores = [nss_new(f.home / ".pki/nssdb"), nss_new(f.home / ".mozilla/firefox/abc.default"),
              nss_new(f.home / "snap/firefox/common/.mozilla/firefox/x.y")]
    r = f.run("ca", "trust", "--store", "nss")
    assert r.returncode == 0, r.stderr
    for store in stores:
        assert nss_trust(store) == ["C,,"]
        assert f"{store}: trusted\n" in r.stderr
    r = f.run("ca", "trust", "--store", "nss")
    assert (r.returncode, r.stderr.count("trusted already")) == (0, 3)

    f.edge.ca_pem = make_ca(f.folder, "new")
    assert f.run("ca", "trust", "--store", "nss").returncode == 0
    shown = subprocess.run(["certutil", "-L", "-d", f"sql:{stores[0]}", "-n", f"linkup {ZONE}", "-a"],
                           check=True, capture_output=True, text=True).stdout
    assert shown.replace("\r", "").split() == f.edge.ca_pem.read_text().split()

    r = f.run("ca", "untrust", "--store", "nss")
    assert (r.returncode, r.stderr.count("no longer trusted")) == (0, 3)
    assert all(nss_trust(store) == [] for store in stores)
    r = f.run("ca", "untrust", "--store", "nss")
    assert (r.returncode, r.stderr.count("not there")) == (0, 3)


@needs_certutil
def test_trust_that_was_taken_away_comes_back(f):
    store = nss_new(f.home / ".pki/nssdb")
    assert f.run("ca", "trust", "--store", "nss").returncode == 0
    subprocess.run(["certutil", "-M", "-d", f"sql:{store}", "-n", f"linkup {ZONE}", "-t", ",,"], check=True)
    assert f.run("ca", "trust", "--store", "nss").returncode == 0
    assert nss_trust(store) == ["C,,"]


@needs_certutil
def test_certutil_is_missing(f, tmp_path):
    nss_new(f.home / ".pki/nssdb")
    empty = tmp_path / "bin"
    empty.mkdir()
    r = f.run("ca", "trust", "--store", "nss", env={**f.here(), "PATH": str(empty)})
    assert r.returncode == 1
    assert "libnss3-tools" in r.stderr


@needs_certutil
def test_a_broken_database_fails_and_the_others_are_done(f):
    broken = f.home / ".mozilla/firefox/broken"
    broken.mkdir(parents=True)
    (broken / "cert9.db").write_text("this is no database")
    good = nss_new(f.home / ".pki/nssdb")
    r = f.run("ca", "trust", "--store", "nss")
    assert r.returncode == 1
    assert f"{broken}: not changed" in r.stderr
    assert nss_trust(good) == ["C,,"]
