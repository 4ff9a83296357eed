"""A server's process tree: started, weighed, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from lib import machine


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _children(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(c) for c in (task / "children").read_text().split()]
    return found


def tree(pid):
    pids = [pid]
    for p in pids:
        with contextlib.suppress(OSError):
            pids += _children(p)
    return pids


def _task_ns(task):
    """Processor time of a thread, user and system, to the nanosecond where the kernel tells it."""
    with contextlib.suppress(OSError):
        return int((task / "schedstat").read_text().split()[0])
    stat = (task / "stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) * 10**9 // os.sysconf("SC_CLK_TCK")


class Process:
    """One server and whatever it forks, pinned to a core; its output in a log."""

    def __init__(self, name, command, folder, core=machine.SERVER_CORE, env=None):
        self.name = name
        self.log = folder / f"{name}.log"
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                machine.pinned(core, command), cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env={**machine.environment(), **(env or {})}, start_new_session=True)

    def cpu(self):
        """Seconds of processor time that all its threads have used."""
        total = 0
        for pid in tree(self.popen.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total += _task_ns(task)
        return total / 1e9

    def rss(self):
        """Bytes resident, summed over the tree."""
        total = 0
        for pid in tree(self.popen.pid):
            with contextlib.suppress(OSError):
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return total * os.sysconf("SC_PAGE_SIZE")

    def wait_port(self, port, seconds=60):
        self.wait(lambda: socket.create_connection(("127.0.0.1", port), 1).close(), seconds)

    def wait(self, attempt, seconds=60):
        """Until attempt() raises no OSError."""
        until = time.monotonic() + seconds
        while True:
            self.check()
            try:
                return attempt()
            except OSError as e:
                if time.monotonic() > until:
                    raise SystemExit(f"run: {self.name} does not serve ({e}):\n{self.last_words()}") from e
                time.sleep(0.02)

    def check(self):
        """Ends the run where the server has ended."""
        if self.popen.poll() is not None:
            raise SystemExit(f"run: {self.name} ended with {self.popen.returncode}:\n{self.last_words()}")

    def last_words(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])

    def stop(self):
        if self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGTERM)
            try:
                self.popen.wait(3)
            except subprocess.TimeoutExpired:
                pass
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
