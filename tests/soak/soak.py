"""An hour (or MINUTES) of everything at once: HTTP/1.1, HTTP/2, uploads, downloads, event streams, WebSockets,
calls with trailers; backends that are killed and come back, sessions that are made and end, reloads.

Nothing may be lost but what was in flight at a backend that was killed, or asked of one that was down. At the
end, with every connection closed, memory and descriptors are what they were after the warm-up. Exit 0 or 1.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

# pylint: disable=wrong-import-position
from load import MIX, Ledger, Outages
from support.edge import SANITIZED, Edge
from support.net import free_port, wait_until

NAMES = ["w1", "w2", "w3"]
# The allocator's own: pages that it keeps are reused, not given back.
GROWTH_KIB, GROWTH_SHARE = 4096, 1.10


class Process:
    """A backend that can be killed."""

    def __init__(self, name, outages):
        self.name, self.outages, self.ports = name, outages, (free_port(), free_port())
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["setpriv", "--pdeathsig", "KILL", sys.executable, str(HERE / "backend.py"), self.name,
             *map(str, self.ports)], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parent / "integration")})
        assert self.process.stdout.readline() == "listening\n", f"{self.name} does not start"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def fall(self, seconds):
        self.outages.begins(self.name)
        self.kill()
        time.sleep(seconds)
        self.start()
        self.outages.ends(self.name)


class World:
    def __init__(self):
        self.outages, self.ledger, self.names = Outages(), Ledger(), NAMES
        self.over, self.halt, self.go = threading.Event(), threading.Event(), threading.Event()
        self.kills = self.reloads = 0
        self.backends = [Process(n, self.outages) for n in NAMES]
        self.urls = {b.name: f"http://127.0.0.1:{b.ports[0]}" for b in self.backends}
        clear = {b.name: f"h2c://127.0.0.1:{b.ports[1]}" for b in self.backends}
        self.edge = Edge({
            "services": [{"name": n, "url": u} for n, u in self.urls.items()] +
                        [{"name": n + "2", "url": u} for n, u in clear.items()],
            "limits": {"pool_idle": "500ms"},
            "log": {"level": "warn", "access": "off"},
        }, start=False)
        self.edge.write(log={"level": "info"})  # what starts is waited for in the log
        self.edge.start()
        self.clients = [kind(self, i) for i, kind in enumerate(MIX)]

    def disturb(self):
        """A backend falls every few seconds, never two; the configuration is read again now and then."""
        rng = random.Random(1)
        while not self.over.wait(rng.uniform(2, 8)):
            if self.halt.is_set():
                continue
            rng.choice(self.backends).fall(rng.uniform(0.1, 1.5))
            self.kills += 1
            if self.kills % 5 == 0:
                self.edge.signal(signal.SIGHUP)
                self.reloads += 1

    def rest(self):
        """Everybody lets go; what the edge holds then: KiB and descriptors."""
        self.go.clear()
        self.halt.set()
        for c in self.clients:
            assert c.idle.wait(120), f"{c.kind} does not come to an end"
        # The probe itself is one.
        wait_until(lambda: self.edge.metric("linkup_http_requests_open") <= 1, "every exchange to end")
        wait_until(lambda: self.edge.metric("linkup_connections_open") <= 1, "every connection to close")
        time.sleep(3)  # the pools' idle connections, and the deadlines of what lingers
        held = self.edge.rss_kib(), self.edge.descriptors()
        self.halt.clear()
        self.go.set()
        return held

    def close(self):
        self.over.set()
        self.go.set()
        for c in self.clients:
            c.join(120)
        self.edge.close()
        for b in self.backends:
            b.kill()


def report(world, warm, end, seconds):
    counts, outcomes = world.ledger.counts, ("done", "excused", "lost", "wrong")
    print(f"{'':26}" + "".join(f"{o:>10}" for o in outcomes))
    for kind in world.ledger.kinds():
        print(f"{kind:26}" + "".join(f"{counts[kind, o]:>10}" for o in outcomes))
    print(f"{world.kills} backends killed and restarted, {world.reloads} reloads, {seconds:.0f} s")
    print(f"memory      {warm[0]:>8} KiB after the warm-up, {end[0]:>8} KiB at the end")
    print(f"descriptors {warm[1]:>8}     after the warm-up, {end[1]:>8}     at the end")
    for line in world.ledger.bad[:20]:
        print(line)


def verdict(world, warm, end):
    faults = []
    if world.ledger.bad:
        faults.append(f"{len(world.ledger.bad)} requests lost or answered wrongly")
    for kind in {c.kind for c in world.clients}:
        if not world.ledger.counts[kind, "done"]:
            faults.append(f"{kind}: none was done")
    if not world.kills:
        faults.append("no backend was killed: too short")
    if not SANITIZED and end[0] > warm[0] * GROWTH_SHARE + GROWTH_KIB:
        faults.append("memory has grown")
    if end[1] > warm[1] + 2:
        faults.append("descriptors have leaked")
    return faults


def main():
    seconds = 60 * float(sys.argv[1] if len(sys.argv) > 1 else 60)
    began = time.monotonic()
    world = World()
    disturber = threading.Thread(target=world.disturb, daemon=True)
    world.go.set()
    for c in world.clients:
        c.start()
    disturber.start()
    try:
        time.sleep(min(60, seconds / 3))
        warm = world.rest()
        time.sleep(max(0, seconds - (time.monotonic() - began)))
        end = world.rest()
    finally:
        world.over.set()
        disturber.join(60)
        world.close()
    report(world, warm, end, time.monotonic() - began)
    faults = verdict(world, warm, end)
    for f in faults:
        print("FAULT:", f)
    print("soak:", "failed" if faults else "passed")
    return 1 if faults else 0


sys.exit(main())
