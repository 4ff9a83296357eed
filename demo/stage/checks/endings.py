"""What is not there, or not any more."""

import json

from cast import all_shared
from checks.expect import VERSIONS, Checks, expect, expect_copies
from clients import JSON, curl
from edge import Edge


def endings(edge: Edge) -> Checks:
    def missing(session: str, flag: str) -> None:
        page = curl(edge, edge.url("frontend", session), JSON, version=flag)
        expect("status", page.status, 404)
        expect("content type", page.fields.get("content-type"), "application/problem+json")
        expect("copies", page.copies, {})

    def no_service() -> None:
        expect("status", curl(edge, edge.url("nothing", "peter")).status, 404)

    def ended() -> None:
        """Makes Anna's, and ends it: the others stay as they are."""
        made = edge.run_linkup("sessions", "create", "anna", f"frontend={shared_url(edge, 'frontend')}")
        expect("URLs", edge.url("frontend", "anna").rstrip("/") in made.split(), True)
        expect_copies(curl(edge, edge.url("frontend", "anna"), JSON), all_shared())
        edge.run_linkup("sessions", "rm", "anna")
        for flag in VERSIONS:
            missing("anna", flag)

    for flag, version in VERSIONS.items():
        yield (f"HTTP/{version:3} a session that does not exist is 404, never the shared copy",
               lambda flag=flag: missing("nobody", flag))
    yield "a service that does not exist is 404", no_service
    yield "a new session's URL works when it is printed; ended, it is 404 at once", ended


def shared_url(edge: Edge, service: str) -> str:
    """Some backend that answers: where SERVICE's shared copy is."""
    services = json.loads(edge.run_linkup("--json", "status"))["services"]
    return next(s["backend"] for s in services if s["name"] == service)
