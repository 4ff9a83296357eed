"""What the demo says on the terminal."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cast import SERVICES, SESSIONS, SHARED, ZONE
from clients import JSON, curl
from edge import Edge
from play import Play

BOLD, DIM, GREEN, RED, CYAN = "1", "2", "32", "31", "36"


def paint(code: str, text: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def heading(text: str) -> None:
    say(f"\n{paint(BOLD, text)}")


def overview(play: Play) -> None:
    edge = play.edge
    say(f"{paint(BOLD, 'The edge is up')}: zone {ZONE}, DNS on {edge.address}:{edge.dns}, "
        f"HTTPS on {edge.https}, HTTP on {edge.http}, metrics on {edge.metrics.split(':')[1]}")
    for note in play.ports.notes:
        say(f"  {note}")
    heading("Six services run, and three people each see a whole system of their own")
    table(edge)


def table(edge: Edge) -> None:
    """Asked for just now: each row is a page, and says who answered."""
    rows = [row(edge, None), *(row(edge, session.name) for session in SESSIONS)]
    names = ("", *SERVICES)
    widths = [max(len(r[i]) for r in (names, *rows)) + 2 for i in range(len(names))]
    say("  " + paint(DIM, line(names, widths)))
    for cells in rows:
        painted = [paint(CYAN, c.ljust(w)) if i and c != SHARED else c.ljust(w)
                   for i, (c, w) in enumerate(zip(cells, widths))]
        say(f"  {''.join(painted)}{cells[-1]}")


def line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, widths))


def row(edge: Edge, session: str | None) -> list[str]:
    url = edge.url(SERVICES[0], session)
    copies = curl(edge, url, JSON).copies
    return [session or "(no session)", *(copies.get(service, "?") for service in SERVICES), url]


def commands(play: Play, browser_home: Path | None) -> None:
    edge = play.edge
    url, host = edge.url("frontend", "peter"), edge.host("frontend", "peter")
    ask = f"dig @{edge.address} -p {edge.dns} +short {host}"
    heading("Ask its DNS")
    say(f"  {ask}")
    heading("Get a page, from the address that its DNS gives, with its CA")
    say(f"  curl --cacert {edge.ca} --connect-to \"::$({ask}):\" {url}")
    heading("Look at it in a browser")
    say(f"  {browser(edge, url, play.folder, browser_home)}")
    heading("Make a session of your own, in a second terminal")
    say(f"  . {play.folder}/env")
    say("  python3 demo/service backend --copy anna --calls auth --listen 127.0.0.1:9000 &")
    say("  linkup sessions create anna backend=http://127.0.0.1:9000")
    say(f"  linkup explain {edge.url('backend', 'anna')}")
    say(f"\n{paint(DIM, 'Logs are in ' + str(play.folder) + '. Ctrl-C ends everything and leaves nothing behind.')}")


def browser(edge: Edge, url: str, folder: Path, home: Path | None) -> str:
    words = [f"HOME={home}"] if home else []
    words += ["chromium", f"--user-data-dir={folder}/browser/profile", "--no-first-run",
              f"--host-resolver-rules='MAP *.{ZONE} {edge.address}'"]
    if os.geteuid() == 0:
        words.append("--no-sandbox")
    if not home:
        words.append("--ignore-certificate-errors")
    return " ".join([*words, url])


def checked(what: str, why_not: str | None) -> None:
    say(f"  {paint(RED, 'FAILED') if why_not else paint(GREEN, 'ok')}  {what}")
    if why_not:
        say("".join(f"          {text}\n" for text in why_not.splitlines()).rstrip())


def verdict(passed: int, failed: int, seconds: float) -> None:
    say(f"\n{passed} passed, {failed} failed" if failed else
        f"\n{paint(GREEN, 'All is as it should be')} ({seconds:.1f} s)\n{passed} passed, 0 failed")
