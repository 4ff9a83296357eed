"""An edge with a tunnel to an agent that leads to the shared backend: what a request costs on its way through."""

import subprocess

from lib import machine
from lib.linkup import ZONE, Linkup
from lib.process import Process
from lib.unix_http import UnixClient

DIRECT, TUNNEL = f"web.direct.{ZONE}", f"web.tunnel.{ZONE}"
BOTH = f"{machine.SERVER_CORE},{machine.CLIENT_CORE}"


class Tunnel:
    """The edge and the agent weigh together, as `process`. Neither is pinned: the agent is another machine's."""

    def __init__(self, bench, name, backend, workers):
        edge = Linkup(bench, name, backend)
        edge.file.write_text(edge.file.read_text().replace("workers: 1", f"workers: {workers}"))
        edge.process = bench.started(
            Process(name, [bench.build / "linkupd", "--config", edge.file], bench.folder, core=BOTH))
        edge.process.wait_port(edge.metrics)
        self.edge, self.name, self.port = edge, name, edge.port
        admin = UnixClient(edge.admin)
        ca = edge.state / "ca-for-agents.pem"
        ca.write_bytes(admin.call("GET", "/v1/ca.pem"))
        url = f"http://127.0.0.1:{backend}"
        admin.call("PUT", "/v1/sessions/direct", {"services": {"web": {"url": url}}})
        admin.call("PUT", "/v1/sessions/tunnel", {"services": {"web": {"tunnel": True}}})
        self.agent = _Agent(bench, name, edge, ca)
        self.agent.carry(f"set tunnel web={url}\n")
        self.process = self

    def cpu(self):
        return self.edge.process.cpu() + self.agent.cpu()

    def check(self):
        self.edge.process.check()
        self.agent.check()


class _Agent(Process):
    def __init__(self, bench, name, edge, ca):
        token = (edge.state / "admin.token").read_text().strip()
        self.name, self.log = f"{name}-agent", bench.folder / f"{name}-agent.log"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                machine.pinned(BOTH, [bench.build / "tests" / "agent_alone", f"https://edge.{ZONE}", token,
                                      "00112233445566778899aabbccddeeff", f"127.0.0.1:{edge.port}", ca]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)
        bench.started(self)

    def carry(self, command):
        self.popen.stdin.write(command)
        self.popen.stdin.flush()
        for line in self.popen.stdout:
            if '"state":"up"' in line:
                return
        raise SystemExit(f"run: {self.name} has no tunnel:\n{self.last_words()}")
