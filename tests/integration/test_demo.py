"""The demo: it checks itself, moves aside for taken ports, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from support.net import PATIENCE, wait_until

SOURCE = Path(__file__).resolve().parents[2]
RUN = SOURCE / "demo" / "run"


@pytest.fixture(name="folder")
def fixture_folder(tmp_path_factory):
    """Short, for the sockets in it; the demo's folder of temporary files, and its processes' mark."""
    return tmp_path_factory.mktemp("d")


def environment(folder, **more):
    return {**os.environ, "TMPDIR": str(folder), **more}


def marked(folder):
    """The processes that were started with this TMPDIR."""
    mark = f"TMPDIR={folder}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and "Z" not in state(process):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass  # gone, or somebody else's
    return found


def state(process):
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def start(folder, **more):
    return subprocess.Popen([str(RUN)], env=environment(folder, **more), stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def read_until(process, words):
    """What it says up to the line with WORDS."""
    said = []
    for line in process.stdout:
        said.append(line)
        if words in line:
            return "".join(said)
    raise AssertionError("".join(said))


def nothing_left(folder):
    assert not list(folder.iterdir())
    assert not marked(folder)


def test_check(folder):
    done = subprocess.run([str(RUN)], env=environment(folder, CHECK="1"), capture_output=True,
                          text=True, timeout=4 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith("passed, 0 failed")
    assert "FAILED" not in done.stdout
    nothing_left(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ending(folder, number):
    process = start(folder)
    said = read_until(process, "Ctrl-C")
    for words in ("dig @127.0.0.1", "curl --cacert", "--host-resolver-rules", "linkup sessions create"):
        assert words in said
    # It, the edge and six services.
    assert len(marked(folder)) == 8
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    nothing_left(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ending_while_it_starts(folder, number):
    process = start(folder)
    wait_until(lambda: len(marked(folder)) >= 4, "half of it")
    process.send_signal(number)
    assert process.wait(PATIENCE) == 128 + number
    nothing_left(folder)


def test_killed(folder):
    """The folder stays, for nobody could remove it; the processes do not."""
    process = start(folder)
    read_until(process, "Ctrl-C")
    process.kill()
    process.wait()
    wait_until(lambda: not marked(folder), "the end of its processes")


def test_the_edge_dies(folder):
    process = start(folder)
    read_until(process, "Ctrl-C")
    edge = next(p for p in Path("/proc").glob("[0-9]*") if is_edge(p, folder))
    os.kill(int(edge.name), signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1
    assert "edge has ended by itself" in said
    nothing_left(folder)


def is_edge(process, folder):
    try:
        command = (process / "cmdline").read_bytes()
    except OSError:
        return False
    return command.split(b"\0")[0].endswith(b"/linkupd") and str(folder).encode() in command


def test_taken_ports(folder):
    """Two demos, and a foreign program, side by side."""
    first = start(folder)
    try:
        said = read_until(first, "Ctrl-C")
        taken = [int(said.split("HTTPS on ")[1].split(",")[0])]
        with socket.socket() as foreign:
            try:
                foreign.bind(("127.0.0.1", taken[0] + 1))
                taken.append(taken[0] + 1)
            except OSError:
                pass  # a demo of another test has it, perhaps not for long
            done = subprocess.run([str(RUN)], env=environment(folder, CHECK="1"),
                                  capture_output=True, text=True, timeout=4 * PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "port 8443 is taken: HTTPS is on " in done.stdout
        assert int(done.stdout.split("HTTPS on ")[1].split(",")[0]) not in taken
    finally:
        first.terminate()
        first.wait(PATIENCE)
    nothing_left(folder)


def test_nothing_built(folder):
    done = subprocess.run([str(RUN)], env=environment(folder, LINKUP_BUILD=str(folder)),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "make demo" in done.stderr and "Traceback" not in done.stderr
    nothing_left(folder)


def test_usage():
    done = subprocess.run([str(RUN), "--nonsense"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "--check-only" in subprocess.run([str(RUN), "--help"], capture_output=True, text=True,
                                            timeout=60).stdout
