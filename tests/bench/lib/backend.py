"""The backend that all proxies share: nginx beside the clients, HTTP/1.1 kept alive."""

from lib import machine
from lib.process import Process, free_port

SMALL = 512
BIG = 10 * 2**20

CONF = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 8000; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    default_type text/plain;
    {temporary}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location = /small {{ return 200 "{body}"; }}
        location = /big {{ root {folder}; }}
    }}
}}
"""


def temporary(folder):
    """nginx makes these folders whether it needs them or not."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{k}_temp_path {folder}/{k};" for k in kinds)


class Backend:
    def __init__(self, bench):
        self.port = free_port()
        folder = bench.folder / "backend"
        folder.mkdir(exist_ok=True)
        (folder / "big").write_bytes(bytes(range(256)) * (BIG // 256))
        conf = folder / "nginx.conf"
        conf.write_text(CONF.format(folder=folder, port=self.port, body="x" * SMALL, temporary=temporary(folder)))
        self.process = bench.started(
            Process("backend", ["nginx", "-c", conf], folder, core=machine.CLIENT_CORE))
        self.process.wait_port(self.port)
