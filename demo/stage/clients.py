"""The real clients: dig for names, curl for pages."""

import json
import subprocess
from dataclasses import dataclass

from edge import Edge
from errors import Failure

JSON = ("accept", "application/json")


def output(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise Failure(f"{' '.join(argv)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def dig(edge: Edge, name: str, *more: str) -> str:
    return output("dig", f"@{edge.address}", "-p", str(edge.dns), "+tries=2", "+time=3", name, *more)


def address_of(edge: Edge, host: str) -> str:
    lines = dig(edge, host, "A", "+short").split()
    if len(lines) != 1:
        raise Failure(f"the edge's DNS says of {host}: {lines or 'nothing'}")
    return lines[0]


@dataclass(frozen=True)
class Page:
    status: int
    version: str  # of HTTP: "1.1", "2"
    fields: dict[str, str]
    body: str

    @property
    def copies(self) -> dict[str, str]:
        """Service to copy, in the order of the calls."""
        try:
            return {hop["service"]: hop["copy"] for hop in json.loads(self.body)["hops"]}
        except (ValueError, KeyError, TypeError):
            return {}


def curl(edge: Edge, url: str, *fields: tuple[str, str], version: str = "--http2",
         ca: bool = True) -> Page:
    """GETs URL at the address that the edge's own DNS gives for its host."""
    host = url.split("/")[2].split(":")[0]
    argv = ["curl", "--silent", "--show-error", "--max-time", "20", version,
            "--connect-to", f"::{address_of(edge, host)}:",
            "--write-out", "\n%{http_code} %{http_version}\n%{header_json}"]
    if ca:
        argv += ["--cacert", str(edge.ca)]
    for name, value in fields:
        argv += ["--header", f"{name}: {value}"]
    body, told, headers = split_output(output(*argv, url))
    status, http_version = told.split()
    return Page(int(status), http_version, {k: ", ".join(v) for k, v in json.loads(headers).items()}, body)


def split_output(text: str) -> tuple[str, str, str]:
    """The body, the line of numbers, and the fields as JSON, which itself has several lines."""
    start = text.rindex("\n{") + 1
    body, _, told = text[:start - 1].rpartition("\n")
    return body, told, text[start:]
