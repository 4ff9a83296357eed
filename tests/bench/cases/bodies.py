"""Large bodies through the proxy."""

from cases import h2load
from lib import backend, http_servers, report


def _case(title, *options):
    def run(bench):
        servers = bench.once("http", http_servers.start)
        requests = bench.work(40, 12)

        def load(server, warm):
            n = h2load.run(bench, server, "/big", "-n", 4 if warm else requests, "-c", 4, *options)
            return n * backend.BIG / 2**30

        return report.from_costs(title, "s/GiB", 1, bench.interleave(servers, load),
                                 "Processor time of the server; 4 connections, one body at a time each.")
    return run


CASES = {
    "h2-bodies": _case("HTTP/2, bodies of 10 MiB", "-m", 1),
    "h1-bodies": _case("HTTP/1.1, bodies of 10 MiB", "--h1"),
}
