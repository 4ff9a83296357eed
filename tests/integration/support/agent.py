"""A real agent without the command line: tests/support/programs/agent_main.c."""

import json
import os
import subprocess
import threading
import time

from .edge import BUILD, ZONE
from .net import PATIENCE, Late

ID = "0123456789abcdef0123456789abcdef"


class Agent:
    """`states` has what it told, in order."""

    def __init__(self, edge, token, agent=ID, ca=True, connect=None, url=None, prefix=()):
        command = [*prefix, "setpriv", "--pdeathsig", "KILL", str(BUILD / "tests" / "agent_alone"),
                   url or f"https://edge.{ZONE}", token, agent,
                   connect or f"127.0.0.1:{edge.https}"]
        command += [str(edge.ca_file)] if ca else []
        self.states, self.changed, self.errors = [], threading.Condition(), []
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.states.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.states.append(None)
            self.changed.notify_all()

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode("utf-8", "replace"))

    @property
    def pid(self):
        return self.process.pid

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, fits, after=0, seconds=PATIENCE):
        """Until something told at AFTER or later FITS; which it was."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                for i, s in enumerate(self.states[after:], after):
                    if s is not None and fits(s):
                        return i, s
                if self.states and self.states[-1] is None:
                    raise Late(f"the agent has ended: {self.errors}")
                if not self.changed.wait(end - time.monotonic()):
                    raise Late(f"the agent told {self.states[-5:]}; {self.errors[-5:]}")

    def mark(self):
        with self.changed:
            return len(self.states)

    def await_state(self, state, after=0):
        return self.wait(lambda s: s.get("state") == state, after)

    def carry(self, session, **services):
        """In force when this returns; a session that is carried already is only changed."""
        at = self.mark()
        self.say(f"set {session} " + " ".join(f"{n}={u}" for n, u in services.items()))
        if not at or self.states[-1].get("state") != "up":
            self.await_state("up", at)

    def status(self):
        at = self.mark()
        self.say("status")
        return self.wait(lambda s: "requests" in s, at)[1]

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def close(self):
        if self.process.poll() is None:
            try:
                self.say("end")
            except OSError:
                pass
            try:
                code = self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            text = "".join(self.errors)
            assert code == 0 and "Sanitizer" not in text, f"{code}\n{text[-6000:]}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            print("".join(self.errors)[-8000:], self.states[-10:])
            self.process.kill()
        self.close()
