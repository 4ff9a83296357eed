"""TLS reverse proxies: one worker, one certificate, one backend, kept connections, no access log.

All add x-forwarded-for and -proto, as a proxy in front of services does."""

from lib import certificate, linkup, machine
from lib.backend import Backend, Echo, temporary
from lib.process import Process, free_port
from lib.unix_http import UnixClient

NAMES = ["linkupd", "nginx", "haproxy", "nghttpx", "h2o"]
# Those that speak HTTP/2 in clear to a backend: h2o 2.2 does not, nginx does as grpc_pass.
H2C_NAMES = ["linkupd", "nginx", "haproxy", "nghttpx"]

NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 30000; }}
http {{
    access_log off;
    {temporary}
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    ssl_certificate {cert}.pem;
    ssl_certificate_key {cert}.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    large_client_header_buffers 4 16k;
    upstream back {{ server 127.0.0.1:{backend}; keepalive 256; keepalive_requests 1000000000; keepalive_timeout 600s; }}
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=4096;
        location = /ws {{
            proxy_pass http://127.0.0.1:{echo};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_read_timeout 600s;
        }}
        location / {{
            {nginx_pass};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_max_temp_file_size 0;
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
        }}
    }}
}}
"""

HAPROXY = """global
    nbthread 1
    maxconn {most}
defaults
    mode http
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 600s
    timeout tunnel 600s
frontend front
    bind 127.0.0.1:{port} backlog 4096 ssl crt {cert}.both alpn h2,http/1.1
    http-request set-header x-forwarded-proto https
    use_backend echo if {{ path /ws }}
    default_backend back
backend back
    server one 127.0.0.1:{backend} {haproxy_proto} pool-max-conn -1 pool-purge-delay 600s
backend echo
    server one 127.0.0.1:{echo}
"""

H2O = """num-threads: 1
max-connections: 30000
http1-request-timeout: 600
http2-idle-timeout: 600
ssl-session-resumption: {{mode: ticket}}
error-log: {folder}/error.log
hosts:
  default:
    listen:
      host: 127.0.0.1
      port: {port}
      ssl:
        certificate-file: {cert}.pem
        key-file: {cert}.key
        ocsp-update-interval: 0
    paths:
      /ws:
        proxy.reverse.url: http://127.0.0.1:{echo}/ws
        proxy.websocket: ON
        proxy.websocket.timeout: 600000
      /:
        proxy.reverse.url: http://127.0.0.1:{backend}/
        proxy.preserve-host: OFF
        proxy.timeout.keepalive: 600000
"""

NGHTTPX = """frontend=127.0.0.1,{port}
backend=127.0.0.1,{echo};/ws
backend=127.0.0.1,{backend};/;{nghttpx_proto}
workers=1
single-process=yes
backlog=4096
no-ocsp=yes
worker-frontend-connections=0
private-key-file={cert}.key
certificate-file={cert}.pem
errorlog-file={folder}/error.log
add-x-forwarded-for=yes
frontend-http2-read-timeout=600
frontend-read-timeout=600
frontend-keep-alive-timeout=600
backend-keep-alive-timeout=600
"""

COMMANDS = {
    "nginx": (NGINX, lambda conf: ["nginx", "-c", conf]),
    "haproxy": (HAPROXY, lambda conf: ["haproxy", "-db", "-f", conf]),
    "h2o": (H2O, lambda conf: ["h2o", "-m", "worker", "-c", conf]),
    "nghttpx": (NGHTTPX, lambda conf: ["nghttpx", f"--conf={conf}"]),
}


class Peer:
    def __init__(self, bench, name, cert, backend, suffix, h2c):
        self.name, self.bench, self.port = name, bench, free_port()
        self.folder = bench.folder / (name + suffix)
        self.folder.mkdir(exist_ok=True)
        self.conf = self.folder / f"{name}.conf"
        template, self.command = COMMANDS[name]
        spoken = {"nginx_pass": "grpc_pass grpc://back" if h2c else "proxy_pass http://back",
                  "haproxy_proto": "proto h2" if h2c else "",
                  "nghttpx_proto": "proto=h2" if h2c else "proto=http/1.1"}
        echo = bench.once("echo", Echo).port
        self.conf.write_text(template.format(folder=self.folder, port=self.port, cert=cert, backend=backend, echo=echo, most=machine.most_connections(), **spoken,
                                             temporary=temporary(self.folder)))
        self.process = None

    def start(self):
        self.process = self.bench.started(Process(self.name, self.command(self.conf), self.folder))
        self.process.wait_port(self.port)
        return self

    def stop(self):
        self.bench.stopped(self.process)


def make(bench, suffix="", h2c=False):
    """All of them, not yet started; their folders end in suffix. H2C: their backend speaks HTTP/2 in clear."""
    cert = bench.once("certificate", certificate.make)
    backends = bench.once("backend", Backend)
    backend = backends.h2c if h2c else backends.port
    servers = {}
    for name in bench.wanted(H2C_NAMES if h2c else NAMES):
        if name == "linkupd":
            servers[name] = Edge(bench, cert, backend, name + suffix, h2c)
        else:
            servers[name] = Peer(bench, name, cert, backend, suffix, h2c)
    return servers


class Edge(linkup.Linkup):
    """linkupd with a session, whose host is what is asked for."""

    def __init__(self, bench, cert, backend, name="linkupd", h2c=False):
        super().__init__(bench, name, backend, certificate=cert)
        self.backend, self.h2c = backend, h2c
        self.echo = bench.once("echo", Echo).port

    def start(self):
        super().start()
        services = {"web": {"url": f"{'h2c' if self.h2c else 'http'}://127.0.0.1:{self.backend}"},
                    "echo": {"url": f"http://127.0.0.1:{self.echo}"}}
        body = {"name": "s", "pinned": True, "services": services}
        client = UnixClient(self.admin)
        client.call("PUT", "/v1/sessions/s", body)
        client.close()
        return self


def start_h2c(bench):
    return start(bench, "-h2c", h2c=True)


def start(bench, suffix="", h2c=False):
    servers = make(bench, suffix, h2c)
    for server in servers.values():
        server.start()
    bench.hold(servers)
    return servers
