"""Calls another service at its shared name, through the edge."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from functools import cached_property

from edge_dns import NoAddress, resolve

TIMEOUT_SECONDS = 10.0


class NoAnswer(Exception):
    """What was called did not answer as it should."""


@dataclass
class Edge:
    zone: str
    dns: tuple[str, int]
    port: int
    ca: str | None

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca)

    def ask(self, service: str, fields: dict[str, str]) -> dict:
        """What SERVICE has to say: its hops, and perhaps an error from further on."""
        host = f"{service}.{self.zone}"
        try:
            status, body = self.get(host, fields)
        except (OSError, http.client.HTTPException, NoAddress) as error:
            raise NoAnswer(f"{host}: {error}") from error
        try:
            document = json.loads(body)
        except ValueError as error:
            raise NoAnswer(f"{host} answered {status}") from error
        if "hops" not in document:  # the edge's own answer: RFC 9457
            raise NoAnswer(f"{host} answered {status}: {document.get('detail', '')}")
        return document

    def get(self, host: str, fields: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection(host, self.port, context=self.tls,
                                                 timeout=TIMEOUT_SECONDS)
        # Connected here, so that the edge's DNS and not the system's says where to.
        plain = socket.create_connection((resolve(host, self.dns), self.port), TIMEOUT_SECONDS)
        try:
            connection.sock = self.tls.wrap_socket(plain, server_hostname=host)
            connection.request("GET", "/", headers={"accept": "application/json", **fields})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            plain.close()
            connection.close()
