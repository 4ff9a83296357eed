"""The shared host in a session: by what a request carries."""

from cast import SESSIONS, all_shared
from checks.expect import Checks, expect_copies
from clients import JSON, curl
from edge import Edge


def context(edge: Edge) -> Checks:
    mary = SESSIONS[1]

    def by_field(name: str, value: str) -> None:
        expect_copies(curl(edge, edge.url("frontend"), JSON, (name, value)), mary.copies())

    def dead() -> None:
        page = curl(edge, edge.url("frontend"), JSON, ("baggage", "linkup-session=nobody"))
        expect_copies(page, all_shared())

    yield "baggage puts the shared host in a session", lambda: by_field("baggage", "linkup-session=mary,a=b")
    yield "so does tracestate", lambda: by_field("tracestate", "other=1,linkup-session=mary")
    yield "so does a referer", lambda: by_field("referer", edge.url("frontend", "mary"))
    yield "a context that names no session counts as none", dead
