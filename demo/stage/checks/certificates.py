"""Whom a client trusts."""

import re
import subprocess

from checks.expect import Checks, expect
from clients import curl
from edge import Edge
from errors import Failure


def certificates(edge: Edge) -> Checks:
    def untrusted() -> None:
        try:
            curl(edge, edge.url("frontend", "peter"), ca=False)
        except Failure as failure:
            expect("curl's exit code", re.findall(r"exit (\d+)", str(failure)), ["60"])
        else:
            raise Failure("curl took a certificate that it cannot know")

    def served_ca() -> None:
        page = curl(edge, edge.url("edge", path="/v1/ca.pem"))
        expect("status", page.status, 200)
        expect("CA", page.body.strip(), edge.ca.read_text().strip())

    def subject() -> None:
        host = edge.host("frontend", "peter")
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{edge.address}:{edge.https}", "-servername", host,
             "-CAfile", str(edge.ca), "-verify_return_error", "-verify_hostname", host],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        expect("openssl", re.findall(r"Verification: (\w+)", done.stdout)[:1], ["OK"])

    yield "a session has a certificate of its own, by the edge's CA", subject
    yield "without the CA nobody is fooled", untrusted
    yield "the edge hands out its CA", served_ca
