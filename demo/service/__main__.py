"""A small service of the demo: says who answered, and whom it asked.

    python3 demo/service frontend --calls backend
    python3 demo/service backend --copy mary --calls auth --listen 127.0.0.1:3001

It reaches the other services by their shared names, through the edge: the address comes from the
edge's own DNS, the certificate is checked against the edge's CA. It knows nothing of sessions; that a
session's copies are reached is the work of the context it passes on."""

import argparse
import os
import signal
import socket
import threading

from handler import Server
from neighbour import Edge


def arguments() -> argparse.Namespace:
    env = os.environ.get
    parser = argparse.ArgumentParser(prog="service", description="A small service of the demo.")
    parser.add_argument("name", help="which service this is: frontend")
    parser.add_argument("--copy", default="shared", help="whose copy it is (shared)")
    parser.add_argument("--calls", metavar="SERVICE", help="the service that this one asks")
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:0",
                        help="port 0: any that is free (127.0.0.1:0)")
    parser.add_argument("--zone", default=env("DEMO_ZONE", "linkup.test"),
                        help="the edge's zone (DEMO_ZONE, linkup.test)")
    parser.add_argument("--edge", metavar="IP", default=env("DEMO_ADDRESS", "127.0.0.1"),
                        help="where its DNS is (DEMO_ADDRESS, 127.0.0.1)")
    parser.add_argument("--dns-port", type=int, default=env("DEMO_DNS_PORT", "53"),
                        help="(DEMO_DNS_PORT, 53)")
    parser.add_argument("--https-port", type=int, default=env("DEMO_HTTPS_PORT", "443"),
                        help="(DEMO_HTTPS_PORT, 443)")
    parser.add_argument("--ca", metavar="FILE", default=env("DEMO_CA"),
                        help="the edge's CA, read when first needed (DEMO_CA)")
    return parser.parse_args()


def address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def tell_ready(url: str) -> None:
    """To whoever started us, as sd_notify(3) has it."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(f"READY=1\nX_URL={url}".encode(), path)


def main() -> None:
    args = arguments()
    edge = Edge(zone=args.zone, dns=(args.edge, args.dns_port), port=args.https_port, ca=args.ca)
    server = Server(address(args.listen), name=args.name, copy=args.copy, calls=args.calls, edge=edge)

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    host, port = server.server_address[:2]
    tell_ready(f"http://{host}:{port}")
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
