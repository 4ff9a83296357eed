"""What must be true of the demo, seen with real clients."""

from checks.answers import answers
from checks.certificates import certificates
from checks.context import context
from checks.endings import endings
from checks.expect import Checks
from checks.names import names
from checks.pages import pages
from edge import Edge

PARTS = (names, pages, certificates, context, answers, endings)


def all_checks(edge: Edge) -> Checks:
    for part in PARTS:
        yield from part(edge)
