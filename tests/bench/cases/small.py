"""HTTPS requests with small answers over kept connections."""

from cases import h2load
from lib import backend, http_servers, report

NOTE = f"Processor time of the server; {backend.SMALL} B bodies, TLS 1.3, "


def _case(title, note, *options):
    def run(bench):
        servers = bench.once("http", http_servers.start)
        requests = bench.work(24_000, 4_000)

        def load(server, warm):
            return h2load.run(bench, server, "/small", "-n", requests // 4 if warm else requests, *options)

        return report.from_costs(title, "µs/request", 1e6, bench.interleave(servers, load), NOTE + note)
    return run


CASES = {
    "h2-small": _case("HTTP/2, small answers", "8 connections of 32 streams.", "-c", 8, "-m", 32),
    "h1-small": _case("HTTP/1.1, small answers", "32 connections.", "--h1", "-c", 32),
    "h2-single": _case("HTTP/2, one request at a time", "8 connections of 1 stream.", "-c", 8, "-m", 1),
}
