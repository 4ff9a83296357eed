"""The processes of the demo: started, known to be ready, and all gone at the end."""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from errors import Failure

READY_SECONDS = 20.0
STOP_SECONDS = 5.0


class Children:
    """Use as a context. A child has a session of its own, so that Ctrl-C reaches only us, and we
    end the children in order; should we be killed, the kernel ends them (setpriv --pdeathsig)."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[tuple[str, subprocess.Popen]] = []

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __len__(self) -> int:
        return sum(process.poll() is None for _, process in self._running)

    def start(self, name: str, *argv: str | Path,
              environment: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
        """Starts ARGV and waits until it says that it is ready (sd_notify); what else it says."""
        log = self._logs / f"{name}.log"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with listener, log.open("wb") as output:
            path = self._logs / f"{name}.ready"
            listener.bind(str(path))
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *map(str, argv)], stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
                env={**os.environ, **environment, "NOTIFY_SOCKET": str(path)})
            self._running.append((name, process))
            try:
                return wait_ready(name, process, listener, log)
            finally:
                path.unlink()

    def first_dead(self) -> str | None:
        return next((name for name, process in self._running if process.poll() is not None), None)

    def stop(self) -> None:
        """The last started first: nobody sees another one's end as an error."""
        for _, process in reversed(self._running):
            if process.poll() is None:
                end(process)
        self._running.clear()


def wait_ready(name: str, process: subprocess.Popen, listener: socket.socket, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + READY_SECONDS
    exit_fd = os.pidfd_open(process.pid)
    try:
        while True:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([listener, exit_fd], [], [], max(0.0, left))
            if listener in ready:
                said = dict(line.split("=", 1) for line in listener.recv(4096).decode().splitlines())
                if said.get("READY") == "1":
                    return said
            elif exit_fd in ready:
                raise Failure(f"{name} ended at once:\n{log.read_text(errors='replace').strip()}")
            else:
                raise Failure(f"{name} was not ready in {READY_SECONDS:.0f} s:\n"
                              f"{log.read_text(errors='replace').strip()}")
    finally:
        os.close(exit_fd)


def end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
