"""The backends that all proxies share, beside the clients: nginx with HTTP/1.1 kept alive and with HTTP/2 in
clear, and an echo for WebSockets."""

import sys
from pathlib import Path

from lib import machine
from lib.process import Process, free_port

SMALL = 512
BIG = 10 * 2**20

CONF = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 30000; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    default_type text/plain;
    {temporary}
    upstream self {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /small {{ return 200 "{body}"; }}
        location = /big {{ root {folder}; }}
        location = /huge {{ root {folder}; }}
    }}
    server {{
        listen 127.0.0.1:{h2c} http2 backlog=4096;
        http2_max_concurrent_streams 1024;
        location = /small {{ return 200 "{body}"; }}
        location = /big {{ root {folder}; }}
        # By way of itself, for it to read the whole call before it answers: it would reset the stream else.
        location = /grpc {{
            proxy_pass http://self/small;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_hide_header content-type;
            add_header content-type application/grpc;
            add_trailer grpc-status 0 always;
        }}
    }}
}}
"""


def temporary(folder):
    """nginx makes these folders whether it needs them or not."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{k}_temp_path {folder}/{k};" for k in kinds)


class Backend:
    def __init__(self, bench):
        self.port, self.h2c = free_port(), free_port()
        folder = bench.folder / "backend"
        folder.mkdir(exist_ok=True)
        (folder / "big").write_bytes(bytes(range(256)) * (BIG // 256))
        conf = folder / "nginx.conf"
        conf.write_text(CONF.format(folder=folder, port=self.port, h2c=self.h2c, body="x" * SMALL, temporary=temporary(folder)))
        self.process = bench.started(
            Process("backend", ["nginx", "-c", conf], folder, core=machine.CLIENT_CORE))
        self.process.wait_port(self.port)


class Echo:
    def __init__(self, bench):
        self.port = free_port()
        script = Path(__file__).with_name("echo_server.py")
        self.process = bench.started(Process("echo", [sys.executable, script, self.port], bench.folder,
                                             core=machine.CLIENT_CORE))
        self.process.wait_port(self.port)
