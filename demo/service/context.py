"""W3C trace context and baggage: what makes a request part of a session, hop after hop.

All a service has to do is pass on what it was given."""

import secrets
from collections.abc import Mapping
from email.message import Message
from urllib.parse import unquote

PASSED_ON = ("tracestate", "baggage")


def outgoing(incoming: Message) -> dict[str, str]:
    """The fields for a call that is made because of INCOMING: ours is the next span of its trace."""
    fields = {"traceparent": next_span(incoming.get("traceparent", ""))}
    for name in PASSED_ON:
        values = incoming.get_all(name)
        if values:
            fields[name] = ",".join(values)
    return fields


def next_span(traceparent: str) -> str:
    span = secrets.token_hex(8)
    parts = traceparent.split("-")
    if len(parts) < 4:
        return f"00-{secrets.token_hex(16)}-{span}-01"
    return f"00-{parts[1]}-{span}-{parts[3]}"


def trace_id(fields: Mapping[str, str]) -> str:
    parts = (fields.get("traceparent") or "").split("-")
    return parts[1] if len(parts) > 1 else ""


def session(incoming: Message) -> str | None:
    """For showing only: a service need not know."""
    for line in incoming.get_all("baggage") or []:
        for member in line.split(","):
            key, _, value = member.partition(";")[0].partition("=")
            if key.strip() == "linkup-session":
                return unquote(value.strip())
    return None
