"""linkupd as the peers are: one worker, no access log, high ports on loopback."""

from lib.process import Process, free_port

ZONE = "bench.test"
HOST = f"web.s.{ZONE}"  # a session's host: the way that people's requests take


class Linkup:
    """A configured edge; https, dns: ports, or None for no listener."""

    def __init__(self, bench, name, backend, certificate=None, dns=False, https=True):
        self.name = name
        self.state = bench.folder / name
        self.state.mkdir(exist_ok=True)
        self.admin = self.state / "admin.sock"
        self.port = free_port()
        self.metrics = free_port()
        self.bench, self.process = bench, None
        self.file = bench.folder / f"{name}.yaml"
        dns_at, https_at = (f'"127.0.0.1:{self.port}"' if on else "" for on in (dns, https))
        files = f", files: [{{cert: {certificate}.pem, key: {certificate}.key}}]" if certificate else ""
        self.file.write_text(f"""zone: {ZONE}
addresses: [192.0.2.10, "2001:db8::10"]
state: {self.state}
workers: 1
listen: {{dns: [{dns_at}], https: [{https_at}], http: [], metrics: "127.0.0.1:{self.metrics}"}}
admin_socket: {self.admin}
services: [{{name: web, url: "http://127.0.0.1:{backend}"}}, {{name: echo, url: "http://127.0.0.1:{backend}"}}]
certificates: {{issuer: internal{files}}}
sessions: {{max: 1000000}}
log: {{level: warn, access: "off"}}
limits: {{pool_per_backend: 256, max_connections: 30000, max_connections_per_address: 0}}
""")

    def start(self):
        self.process = self.bench.started(
            Process(self.name, [self.bench.build / "linkupd", "--config", self.file], self.bench.folder))
        self.process.wait_port(self.metrics)
        return self

    def stop(self):
        self.bench.stopped(self.process)
