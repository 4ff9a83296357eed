"""How an edge is reached: what the clients, the checks and the printed commands need to know."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cast import ZONE
from errors import Failure


@dataclass(frozen=True)
class Edge:
    address: str
    dns: int
    https: int
    http: int
    metrics: str  # host:port
    ca: Path
    linkup: tuple[str, ...]  # the command line, with what leads to this edge

    def host(self, service: str, session: str | None = None) -> str:
        return ".".join(filter(None, (service, session, ZONE)))

    def url(self, service: str, session: str | None = None, path: str = "/") -> str:
        port = "" if self.https == 443 else f":{self.https}"
        return f"https://{self.host(service, session)}{port}{path}"

    def http_url(self, service: str, session: str | None = None, path: str = "/") -> str:
        port = "" if self.http == 80 else f":{self.http}"
        return f"http://{self.host(service, session)}{port}{path}"

    def run_linkup(self, *args: str) -> str:
        done = subprocess.run([*self.linkup, *args], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise Failure(f"linkup {' '.join(args)}: exit {done.returncode}\n{done.stderr.strip()}")
        return done.stdout
