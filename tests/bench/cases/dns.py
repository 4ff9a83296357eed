"""DNS: wildcard names, all different."""

import re

from lib import dns_servers, report
from lib.linkup import ZONE


def _queries(bench, names):
    path = bench.folder / "queries"
    path.write_text("".join(f"web.gecko-{i}.{ZONE} A\n" for i in range(names)))
    return path


def _case(mode, title, runs, *options):
    def run(bench):
        servers = bench.once("dns", dns_servers.start)
        names = bench.work(100_000, 20_000)
        queries = _queries(bench, names)

        def load(server, warm):
            out = bench.client(["dnsperf", "-m", mode, "-s", "127.0.0.1", "-p", server.port, "-d", queries,
                                "-n", 1 if warm else runs, "-c", 8, "-T", 1, "-e", *options])
            return int(re.search(r"Queries completed:\s+(\d+)", out).group(1))

        return report.from_costs(title, "µs/query", 1e6, bench.interleave(servers, load),
                                 f"Processor time of the server; {names:,} names below the wildcard, type A, with EDNS.")
    return run


CASES = {
    "dns-udp": _case("udp", "DNS over UDP, as fast as the client asks", 2),
    "dns-paced": _case("udp", "DNS over UDP, 20,000 queries a second", 1, "-Q", 20_000, "-l", 2),
    "dns-tcp": _case("tcp", "DNS over TCP, kept connections", 2),
}
