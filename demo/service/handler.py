"""The HTTP side of a service."""

import http.server
import json
import sys
from http import HTTPStatus

import context
import page
from neighbour import Edge, NoAnswer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], *, name: str, copy: str, calls: str | None,
                 edge: Edge) -> None:
        self.name, self.copy, self.calls, self.edge = name, copy, calls, edge
        super().__init__(listen, Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that left is no news
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(HTTPStatus.OK, "text/plain; charset=utf-8", "ok\n")
            return
        status, document = self.look()
        accept = self.headers.get("accept", "")
        if "text/html" in accept:
            self.answer(status, "text/html; charset=utf-8", page.as_html(document))
        elif "json" in accept:
            self.answer(status, "application/json", json.dumps(document, indent=2) + "\n")
        else:
            self.answer(status, "text/plain; charset=utf-8", page.as_text(document))

    do_HEAD = do_GET

    def look(self) -> tuple[HTTPStatus, dict]:
        """Who answers: this copy, and whom it reached."""
        hops = [{"service": self.server.name, "copy": self.server.copy,
                 "trace": context.trace_id(self.headers)}]
        document = {"session": context.session(self.headers), "hops": hops}
        if self.server.calls:
            try:
                asked = self.server.edge.ask(self.server.calls, context.outgoing(self.headers))
                hops += asked["hops"]
                document |= {"error": asked["error"]} if "error" in asked else {}
            except NoAnswer as error:
                document["error"] = str(error)
        return HTTPStatus.BAD_GATEWAY if "error" in document else HTTPStatus.OK, document

    def answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.send_header("vary", "accept")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass  # the edge has an access log
