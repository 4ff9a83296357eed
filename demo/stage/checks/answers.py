"""Explanations, redirects, the browser's page, the command line."""

import json
import re
import urllib.request

from cast import SESSIONS, SHARED
from checks.expect import Checks, expect
from clients import JSON, curl
from edge import Edge


def answers(edge: Edge) -> Checks:
    def explained(service: str, session: str | None, backend: str) -> None:
        page = curl(edge, edge.url(service, session), JSON, ("linkup-explain", "1"))
        for field, wanted in (("linkup-session", session), ("linkup-service", service),
                              ("linkup-backend", backend)):
            expect(field, page.fields.get(field) or None, wanted)
        expect("linkup-rule", bool(page.fields.get("linkup-rule")), True)

    def unasked() -> None:
        page = curl(edge, edge.url("frontend", "peter"), JSON)
        expect("fields", [name for name in page.fields if name.startswith("linkup-")], [])

    def redirect() -> None:
        page = curl(edge, edge.http_url("frontend", "peter", "/a?b=c"), version="--http1.1")
        expect("status", page.status, 308)
        expect("location", page.fields.get("location"), edge.url("frontend", "peter", "/a?b=c"))

    def browser() -> None:
        page = curl(edge, edge.url("frontend", "peter"), ("accept", "text/html"))
        expect("content type", page.fields.get("content-type"), "text/html; charset=utf-8")
        cards = re.findall(r"<li class=\"(\w+)\".*?<b>(\w+)</b>", page.body)
        expect("cards", cards, [("own", "frontend"), ("shared", "backend"), ("shared", "auth")])

    def listed() -> None:
        found = {s["name"] for s in json.loads(edge.run_linkup("--json", "sessions", "ls"))["sessions"]}
        expect("sessions", found, {s.name for s in SESSIONS})

    def ready() -> None:
        with urllib.request.urlopen(f"http://{edge.metrics}/readyz", timeout=5) as answer:
            expect("status", answer.status, 200)

    yield "linkup-explain: a session's own copy", lambda: explained("frontend", "peter", "session")
    yield "linkup-explain: the shared one in a session", lambda: explained("backend", "peter", SHARED)
    yield "linkup-explain: no session", lambda: explained("frontend", None, SHARED)
    yield "nothing is explained unasked", unasked
    yield "http redirects to https", redirect
    yield "a browser gets a page", browser
    yield "linkup lists the sessions", listed
    yield "the edge says that it is ready", ready
