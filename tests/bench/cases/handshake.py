"""Full TLS 1.3 handshakes: every request on a new connection, none resumed."""

from cases import h2load
from lib import http_servers, report


def handshakes(bench):
    servers = bench.once("http", http_servers.start)
    loops, clients = bench.work(10, 3), 100

    def load(server, warm):
        # The client keeps no tickets, so every connection is made in full.
        return sum(h2load.run(bench, server, "/small", "--h1", "-n", clients, "-c", clients)
                   for _ in range(1 if warm else loops))

    return report.from_costs("Full handshakes", "µs/connection", 1e6, bench.interleave(servers, load),
                             "Processor time of the server; ECDSA P-256, X25519, with one small HTTP/1.1 request each.")


CASES = {"handshake": handshakes}
