"""An agent by script: it opens tunnels to an edge and answers on them as BackendH2 does."""

import threading

import h2.settings

from .backend_h2 import BackendH2
from .edge import ZONE
from .http1 import Http1

CONNECT = {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,
           h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000,
           h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1024 * 1024}
ID = "00112233445566778899aabbccddeeff"


class ScriptedAgent(BackendH2):
    """`on` scripts paths. Each `open` is a tunnel of its own; `connections` has them in order."""

    def __init__(self, edge, token, name="agent", agent=ID, **kw):
        super().__init__(name, settings=CONNECT, **kw)
        self.edge, self.token, self.agent = edge, token, agent
        self.opened = 0

    def ask(self, sessions, token=None, agent=None, upgrade="linkup-tunnel/1", more=()):
        """The asking alone: the connection, and the answer."""
        c = self.edge.h1(f"edge.{ZONE}")
        fields = [("connection", "upgrade")]
        fields += [("upgrade", upgrade)] if upgrade else []
        fields += [("linkup-agent", self.agent if agent is None else agent)]
        fields += [("linkup-sessions", sessions)] if sessions is not None else []
        if token or self.token:
            fields.append(("authorization", f"Bearer {token or self.token}"))
        return c, c.request("GET", "/v1/tunnel", fields + list(more))

    def open(self, *sessions):
        """A tunnel that carries SESSIONS; it is in force when this returns."""
        c, a = self.ask(", ".join(sessions))
        assert a.status == 101, a
        assert a.get("upgrade") == "linkup-tunnel/1" and a.get("linkup-tunnel"), a
        c.sock.settimeout(None)
        threading.Thread(target=self.adopt, args=(c.sock, bytes(c.held)), daemon=True).start()
        self.opened += 1
        self.until(lambda: len(self.connections) == self.opened, "the tunnel")
        return self.connections[-1]
