"""Puts the demo on: an edge without privileges, six services, three sessions."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from cast import SERVICES, SESSIONS, ZONE, calls, copies_of
from children import Children
from edge import Edge
from errors import Failure
from ports import LOOPBACK, Ports

SERVICE_PROGRAM = Path(__file__).resolve().parent.parent / "service"


class Play:
    """Everything it makes is below FOLDER, and everything it starts is among CHILDREN."""

    def __init__(self, build: Path, folder: Path, children: Children) -> None:
        self.folder, self.children, self.build = folder, children, build
        self.ports = Ports()
        self.socket = folder / "admin.sock"
        self.linkup_edge = f"unix:{self.socket}"
        self.edge = Edge(address=LOOPBACK, dns=self.ports.dns, https=self.ports.https,
                         http=self.ports.http, metrics=f"{LOOPBACK}:{self.ports.metrics}",
                         ca=folder / "ca.pem",
                         linkup=(str(program(build, "linkup")), "--edge", self.linkup_edge))
        self.urls: dict[tuple[str, str], str] = {}  # (service, copy) -> backend

    def start(self) -> None:
        for service in SERVICES:
            for copy in copies_of(service):
                self.urls[service, copy] = self.start_service(service, copy)
        self.start_edge()
        self.edge.ca.write_text(self.edge.run_linkup("ca", "show"))
        for session in SESSIONS:
            self.edge.run_linkup("sessions", "create", session.name, "--owner", session.name,
                                 f"{session.own}={self.urls[session.own, session.name]}")
        (self.folder / "env").write_text("".join(
            f"export {name}={shlex.quote(value)}\n" for name, value in self.environment().items()))

    def start_service(self, service: str, copy: str) -> str:
        asks = calls(service)
        said = self.children.start(
            f"{service}-{copy}", sys.executable, "-B", SERVICE_PROGRAM, service, "--copy", copy,
            *(["--calls", asks] if asks else []), environment=self.environment())
        return said["X_URL"]

    def start_edge(self) -> None:
        config = self.folder / "linkupd.yaml"
        config.write_text(self.config())
        self.children.start("edge", program(self.build, "linkupd"), "--config", config)

    def config(self) -> str:
        """In JSON's way of writing YAML where a value is not ours."""
        at = f'["{LOOPBACK}:{{}}"]'
        services = "".join(f"  - {{name: {service}, url: {json.dumps(self.urls[service, 'shared'])}}}\n"
                           for service in SERVICES)
        return (f"zone: {ZONE}\n"
                f"addresses: [{LOOPBACK}]\n"
                f"state: {json.dumps(str(self.folder / 'state'))}\n"
                "listen:\n"
                f"  dns: {at.format(self.ports.dns)}\n"
                f"  https: {at.format(self.ports.https)}\n"
                f"  http: {at.format(self.ports.http)}\n"
                f"  metrics: {LOOPBACK}:{self.ports.metrics}\n"
                f"admin_socket: {json.dumps(str(self.socket))}\n"
                f"services:\n{services}"
                f"log: {{format: text, access: {json.dumps(str(self.folder / 'access.log'))}}}\n"
                "drain: 1s\n")

    def environment(self) -> dict[str, str]:
        """With it `linkup`, demo/service and demo/run --check-only speak to this edge."""
        return {"PATH": f"{self.build}:{os.environ['PATH']}",
                "LINKUP_EDGE": f"https://edge.{ZONE}:{self.ports.https}",
                "LINKUP_CONNECT": f"{LOOPBACK}:{self.ports.https}",
                "LINKUP_CA": str(self.edge.ca),
                "LINKUP_TOKEN_FILE": str(self.folder / "state" / "admin.token"),
                "DEMO": str(self.folder),
                "DEMO_ZONE": ZONE,
                "DEMO_ADDRESS": LOOPBACK,
                "DEMO_DNS_PORT": str(self.ports.dns),
                "DEMO_HTTPS_PORT": str(self.ports.https),
                "DEMO_HTTP_PORT": str(self.ports.http),
                "DEMO_METRICS": self.edge.metrics,
                "DEMO_CA": str(self.edge.ca)}

    def browser_home(self) -> Path | None:
        """A home whose browser trusts the CA; None without certutil. Nobody's own home is touched."""
        if not shutil.which("certutil"):
            return None
        home = self.folder / "browser"
        store = home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        subprocess.run(["certutil", "-N", "-d", f"sql:{store}", "--empty-password"], check=True,
                       capture_output=True)
        subprocess.run([*self.edge.linkup, "ca", "trust", "--store", "nss"], check=True,
                       capture_output=True, env={**os.environ, "HOME": str(home)})
        return home


def program(build: Path, name: str) -> Path:
    path = build / name
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: `make demo` builds it; or set LINKUP_BUILD to a build folder")
    return path
