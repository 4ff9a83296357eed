"""What a check is, and what it says when it fails."""

import json
from collections.abc import Callable, Iterator

from clients import Page
from errors import Failure

VERSIONS = {"--http1.1": "1.1", "--http2": "2"}

# What is checked, and the look at it, which raises Failure.
Check = tuple[str, Callable[[], None]]
Checks = Iterator[Check]


def expect(what: str, seen: object, wanted: object) -> None:
    if seen != wanted:
        raise Failure(f"{what}: {seen!r}, expected {wanted!r}")


def expect_copies(page: Page, wanted: dict[str, str]) -> None:
    """Exactly these copies answered, and all of them within one trace."""
    expect("status", page.status, 200)
    expect("copies", page.copies, wanted)
    traces = {hop["trace"] for hop in json.loads(page.body)["hops"]}
    expect("traces", len(traces), 1)
