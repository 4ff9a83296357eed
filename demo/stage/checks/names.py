"""The zone, asked with dig."""

import re

from cast import ZONE
from checks.expect import Checks, expect
from clients import dig
from edge import Edge


def names(edge: Edge) -> Checks:
    def address(transport: str) -> None:
        said = dig(edge, edge.host("frontend", "peter"), "A", transport)
        expect("status", re.findall(r"status: (\w+)", said), ["NOERROR"])
        expect("authoritative", bool(re.search(r"flags: qr aa\b", said)), True)
        expect("address", re.findall(r"IN[ \t]+A[ \t]+(\S+)", said), [edge.address])

    def https_record() -> None:
        said = dig(edge, edge.host("backend", "mary"), "HTTPS", "+short")
        expect("alpn", "alpn=\"h2,http/1.1\"" in said, True)

    def apex() -> None:
        said = dig(edge, ZONE, "NS", "+noall", "+answer", "+additional")
        expect("nameserver", re.findall(r"\sNS\s+(\S+)", said), [f"ns1.{ZONE}."])
        expect("glue", re.findall(rf"ns1\.{re.escape(ZONE)}\.\s.*[ \t]A[ \t]+(\S+)", said), [edge.address])

    def elsewhere() -> None:
        expect("status", re.findall(r"status: (\w+)", dig(edge, "example.org")), ["REFUSED"])

    yield "dig: a session's name leads to the edge, over UDP", lambda: address("+notcp")
    yield "dig: a session's name leads to the edge, over TCP", lambda: address("+tcp")
    yield "dig: HTTPS records announce HTTP/2", https_record
    yield "dig: the zone has its nameserver, with glue", apex
    yield "dig: names outside the zone are refused", elsewhere
