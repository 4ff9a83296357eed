"""What README.md and docs/deploy.md show is what happens.

Fenced blocks say by a second word what they are: `demo`, commands in the second terminal of a demo and what they
print (a line `...` is any lines); `linkupd`, a configuration; `systemd`, a unit."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from support.net import PATIENCE

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["LINKUP_BUILD"])
PAGES = ("README.md", "docs/deploy.md")
BLOCK = re.compile(r"^```\w+ (\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(kind):
    return [pytest.param(text, id=f"{page}-{i}") for page in PAGES
            for i, (found, text) in enumerate(BLOCK.findall((SOURCE / page).read_text()))
            if found == kind]


def commands(text):
    """(command, what it prints) of a block."""
    return [(command, printed) for command, printed in
            re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)]


def pattern(printed):
    lines = [r"(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in printed.splitlines()]
    return "".join(lines)


@pytest.fixture(name="terminal", scope="module")
def fixture_terminal(tmp_path_factory):
    """The second terminal of a demo that runs."""
    demo = subprocess.Popen([str(SOURCE / "demo" / "run")], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("d"))})
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    else:
        raise AssertionError(said)
    env_file = re.search(r"^ +\. (\S+/env)$", said, re.MULTILINE).group(1)
    listed = subprocess.run(["bash", "-c", f". {env_file} && env -0"], capture_output=True, text=True,
                            check=True).stdout
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    env = dict(entry.split("=", 1) for entry in listed.split("\0") if entry)
    yield Terminal({**env, "HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_RUNTIME_DIR": str(home)})
    demo.terminate()
    assert demo.wait(PATIENCE) == 0


class Terminal:
    def __init__(self, env):
        self.env = env
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            free = s.getsockname()[1]
        # The pages name the usual ports; a taken one makes the demo choose another.
        self.ports = {"8053": env["DEMO_DNS_PORT"], "8443": env["DEMO_HTTPS_PORT"], "9000": str(free)}
        self.background = []

    def here(self, text):
        return re.sub(r"\b(8053|8443|9000)\b", lambda m: self.ports[m.group()], text)

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], cwd=SOURCE, env=self.env, capture_output=True,
                              text=True, timeout=2 * PATIENCE)
        return done.stdout

    def run_behind(self, command, folder):
        """COMMAND &: started, and ready."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(str(folder / "ready"))
            listener.settimeout(PATIENCE)
            process = subprocess.Popen(["bash", "-c", f"exec {command.rstrip(' &')}"], cwd=SOURCE,
                                       env={**self.env, "NOTIFY_SOCKET": str(folder / "ready")})
            self.background.append(process)
            assert b"READY=1" in listener.recv(4096)

    def end(self):
        for process in self.background:
            process.terminate()
            process.wait(PATIENCE)
        self.background.clear()


@pytest.mark.parametrize("text", blocks("demo"))
def test_demo(terminal, tmp_path_factory, text):
    found = commands(text)
    assert found
    try:
        for command, printed in found:
            command = terminal.here(command)
            if command.endswith("&"):
                terminal.run_behind(command, tmp_path_factory.mktemp("r"))
                continue
            said = terminal.run(command)
            assert re.fullmatch(pattern(terminal.here(printed)), said), f"{command}\n{said}"
    finally:
        terminal.end()


@pytest.mark.parametrize("text", blocks("linkupd"))
def test_configuration(tmp_path, text):
    file = tmp_path / "linkupd.yaml"
    file.write_text(text)
    done = subprocess.run([BUILD / "linkupd", "--check", "--config", file], capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("text", blocks("systemd"))
def test_unit(tmp_path, text):
    file = tmp_path / "linkupd.service"
    file.write_text(text.replace("/usr/bin/linkupd", str(BUILD / "linkupd")))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True,
                          timeout=60)
    complaints = [line for line in done.stderr.splitlines() if "linkupd.service" in line]
    assert not complaints


@pytest.mark.parametrize("page", PAGES)
def test_links(page):
    """What a page leads to is there."""
    for target in re.findall(r"\]\(([^)#]+)\)", (SOURCE / page).read_text()):
        if "://" not in target:
            assert (SOURCE / page).parent.joinpath(target).exists(), target


def test_every_kind_is_there():
    for kind in ("demo", "linkupd", "systemd"):
        assert blocks(kind)
