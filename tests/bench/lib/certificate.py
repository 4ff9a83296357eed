"""One ECDSA P-256 certificate that every server serves."""

import subprocess

from lib.linkup import HOST, ZONE


def make(bench):
    base = bench.folder / "server"
    names = f"DNS:{HOST},DNS:*.s.{ZONE},DNS:{ZONE},DNS:*.{ZONE}"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", f"{base}.key", "-out", f"{base}.pem", "-days", "30", "-subj", f"/CN={HOST}",
                    "-addext", f"subjectAltName={names}"], check=True, capture_output=True)
    # haproxy wants both in one file
    base.with_suffix(".both").write_text(base.with_suffix(".pem").read_text() + base.with_suffix(".key").read_text())
    return base
