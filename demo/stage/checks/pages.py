"""Each session's page, over HTTP/1.1 and HTTP/2: exactly its copies, and the shared ones."""

from cast import SERVICES, SESSIONS, all_shared
from checks.expect import VERSIONS, Checks, expect, expect_copies
from clients import JSON, curl
from edge import Edge


def pages(edge: Edge) -> Checks:
    def copies(service: str, session: str | None, wanted: dict[str, str], flag: str) -> None:
        page = curl(edge, edge.url(service, session), JSON, version=flag)
        expect("HTTP version", page.version, VERSIONS[flag])
        expect_copies(page, wanted)

    def each(service: str, session: str | None, wanted: dict[str, str]) -> Checks:
        for flag, version in VERSIONS.items():
            yield (f"HTTP/{version:3} {edge.host(service, session):28} {told(wanted)}",
                   lambda flag=flag: copies(service, session, wanted, flag))

    for service in SERVICES:
        yield from each(service, None, all_shared(service))
    for session in SESSIONS:
        yield from each(SERVICES[0], session.name, session.copies())
    yield from each("backend", "peter", all_shared("backend"))
    yield from each("auth", "paul", SESSIONS[2].copies("auth"))


def told(copies: dict[str, str]) -> str:
    return "  ".join(f"{service}={copy}" for service, copy in copies.items())
