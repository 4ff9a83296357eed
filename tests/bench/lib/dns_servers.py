"""Authoritative DNS servers with one zone: a wildcard with an A and an AAAA."""

from lib.linkup import ZONE, Linkup
from lib.process import Process, free_port

NAMES = ["linkupd", "knot", "nsd"]

ZONE_FILE = f"""$ORIGIN {ZONE}.
$TTL 60
@    SOA  ns1 hostmaster 1 7200 900 1209600 60
@    NS   ns1
@    A    192.0.2.10
@    AAAA 2001:db8::10
ns1  A    192.0.2.10
ns1  AAAA 2001:db8::10
*    A    192.0.2.10
*    AAAA 2001:db8::10
"""

KNOT = """server:
    rundir: {folder}
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    async-start: off
log:
  - target: stderr
    any: error
database:
    storage: {folder}
template:
  - id: default
    storage: {folder}
    zonefile-load: whole
    journal-content: none
zone:
  - domain: {zone}
    file: zone
"""

NSD = """server:
    ip-address: 127.0.0.1
    port: {port}
    server-count: 1
    username: ""
    zonesdir: {folder}
    xfrdir: {folder}
    database: ""
    pidfile: {folder}/nsd.pid
    xfrdfile: {folder}/xfrd.state
    zonelistfile: {folder}/zone.list
    rrl-ratelimit: 0
    minimal-responses: yes
    verbosity: 0
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: zone
"""

COMMANDS = {
    "knot": (KNOT, lambda conf: ["knotd", "-c", conf]),
    "nsd": (NSD, lambda conf: ["nsd", "-d", "-c", conf]),
}


class Peer:
    def __init__(self, bench, name):
        self.name, self.port = name, free_port()
        folder = bench.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "zone").write_text(ZONE_FILE)
        conf, command = folder / f"{name}.conf", COMMANDS[name]
        conf.write_text(command[0].format(folder=folder, port=self.port, zone=ZONE))
        self.process = bench.started(Process(name, command[1](conf), folder))
        self.process.wait_port(self.port)


def start(bench):
    servers = {}
    for name in bench.wanted(NAMES):
        if name == "linkupd":
            servers[name] = Linkup(bench, "linkupd-dns", backend=9, dns=True, https=False).start()
        else:
            servers[name] = Peer(bench, name)
    bench.hold(servers)
    return servers
