"""The load generator of the HTTPS cases, and what it says."""

import re

from lib.linkup import HOST


def run(bench, server, path, *options):
    """Requests that were answered; one that failed ends the run."""
    out = bench.client(["h2load", *options, "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519",
                        f"--connect-to=127.0.0.1:{server.port}", f"https://{HOST}{path}"])
    good, bad = (int(re.search(rf"(\d+) {word}", out).group(1)) for word in ("2xx", "failed"))
    if bad or not good or "TLSv1.3" not in out:
        raise SystemExit(f"run: {server.name} failed requests:\n{out}")
    return good
