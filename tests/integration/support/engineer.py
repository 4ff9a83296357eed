"""An engineer's machine: `linkup` with a home of its own, projects, and the agent that it starts."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import yaml

from .edge import LINKUP, ZONE
from .net import PATIENCE, wait_until


class Engineer:
    """`home`, `state` and `runtime` are folders below FOLDER; the agent is ended at the end."""

    def __init__(self, edge, folder, token=None):
        self.edge, self.folder = edge, Path(folder)
        self.home, self.runtime = self.folder / "home", self.folder / "run"
        self.state = self.home / ".local/state/linkup"
        self.home.mkdir(parents=True)
        self.runtime.mkdir(mode=0o700)
        self.url = f"https://edge.{ZONE}:{edge.https}"
        self.token = token or edge.token("session", "peter")

    # --- running linkup

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items()
                if k in ("PATH", "LD_LIBRARY_PATH") or k.endswith("SAN_OPTIONS")}
        more = {"LINKUP_CONNECT": f"127.0.0.1:{self.edge.https}", "LINKUP_CA": str(self.edge.ca_file), **more}
        return {**keep, "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "TERM": "xterm",
                **{k: v for k, v in more.items() if v is not None}}

    def run(self, *args, cwd=None, env=None):
        return subprocess.run([LINKUP, *args], cwd=cwd or self.home, env=self.environment(**(env or {})),
                              capture_output=True, text=True, timeout=PATIENCE * 3, check=False,
                              stdin=subprocess.DEVNULL)

    def ok(self, *args, **kw):
        r = self.run(*args, **kw)
        assert r.returncode == 0, f"{args}\n{r.stderr}\n{self.log()}"
        return r

    def json(self, *args, **kw):
        return json.loads(self.ok(*args, "--json", **kw).stdout)

    def spawn(self, *args, cwd=None, env=None):
        """Ended when it takes too long, so that who reads what it says sees the end of it."""
        p = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", LINKUP, *args], cwd=cwd or self.home,
                             env=self.environment(**(env or {})), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        late = threading.Timer(PATIENCE * 3, p.kill)
        late.daemon = True
        late.start()
        return p

    # --- projects

    def project(self, name, services, domains=None, **linkup):
        """A folder with a linkup.yaml; SERVICES: a list, or name to local URL."""
        folder = self.folder / name
        folder.mkdir()
        if isinstance(services, dict):
            services = [{"name": n, "local": u} for n, u in services.items()]
        linkup = {"edge_url": self.url, "token": self.token, **linkup}
        linkup = {k: v for k, v in linkup.items() if v is not None}
        domains = domains or [{"domain": ZONE, "default_service": services[0]["name"]}]
        (folder / "linkup.yaml").write_text(yaml.safe_dump(
            {"linkup": linkup, "services": services, "domains": domains}, sort_keys=False))
        return folder

    # --- the agent

    @property
    def socket(self):
        return self.runtime / "linkup/agent.sock"

    @property
    def lock(self):
        return self.state / "agent.lock"

    def agent_pid(self):
        """The process that has signed the lock, if it lives as an agent."""
        try:
            pid = int(self.lock.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if words[:2] == [b"linkup", b"agent"] else None

    def await_no_agent(self):
        wait_until(lambda: self.agent_pid() is None, "the agent to end")

    def kill_agent(self, number=signal.SIGKILL):
        pid = self.agent_pid()
        assert pid, self.log()
        os.kill(pid, number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            wait_until(lambda: self.agent_pid() != pid, "the agent to end")
        return pid

    def log(self):
        file = self.state / "agent.log"
        return file.read_text() if file.exists() else ""

    def close(self):
        pid = self.agent_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
            self.await_no_agent()
        assert "Sanitizer" not in self.log(), self.log()[-6000:]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(self.log()[-6000:])
        self.close()
