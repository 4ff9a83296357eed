"""HTTP/2 on both sides: the backend speaks it in clear, by prior knowledge. h2o 2.2 cannot."""

from cases import h2load
from lib import backend, http_servers, report

CONNECTIONS = ["-c", 8, "-m", 32]


def _small(bench, title, path, note, *options):
    servers = bench.once("h2c", http_servers.start_h2c)
    requests = bench.work(24_000, 4_000)

    def load(server, warm):
        return h2load.run(bench, server, path, "-n", requests // 4 if warm else requests, *CONNECTIONS, *options)

    return report.from_costs(title, "µs/request", 1e6, bench.interleave(servers, load), note)


def small(bench):
    return _small(bench, "HTTP/2 to HTTP/2, small answers", "/small",
                  f"Processor time of the server; {backend.SMALL} B bodies, TLS 1.3 in front, h2c behind; "
                  "8 connections of 32 streams.")


def grpc(bench):
    message = bench.folder / "grpc-message"
    message.write_bytes(b"\0\0\0\0\x64" + b"g" * 100)
    return _small(bench, "gRPC, unary calls", "/grpc",
                  f"Processor time of the server; POST of 105 B, {backend.SMALL} B and trailers back; "
                  "8 connections of 32 streams.",
                  "-d", message, "-H", "content-type: application/grpc", "-H", "te: trailers")


def bodies(bench):
    servers = bench.once("h2c", http_servers.start_h2c)
    requests = bench.work(40, 12)

    def load(server, warm):
        n = h2load.run(bench, server, "/big", "-n", 4 if warm else requests, "-c", 4, "-m", 1)
        return n * backend.BIG / 2**30

    return report.from_costs("HTTP/2 to HTTP/2, bodies of 10 MiB", "s/GiB", 1, bench.interleave(servers, load),
                             "Processor time of the server; 4 connections, one body at a time each.")


CASES = {"h2c-small": small, "h2c-grpc": grpc, "h2c-bodies": bodies}
