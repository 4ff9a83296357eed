"""linkup without an edge: usage, help, completion, the man page."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli_edge import LINKUP

SOURCE = Path(os.environ["LINKUP_SOURCE"])
COMMANDS = ["login", "start", "stop", "route local", "route remote", "http", "sessions ls", "sessions create", "sessions show", "sessions set",
            "sessions extend", "sessions rm", "preview", "explain", "status", "doctor", "ca show", "ca trust",
            "ca untrust", "local-dns install", "local-dns uninstall", "token create", "token ls", "token rm",
            "completion", "help"]


def linkup(*args, env=None, **more):
    base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}}
    return subprocess.run([LINKUP, *args], env={**base, **(env or {})}, capture_output=True,
                          text=True, timeout=60, **more)


def test_nothing_is_usage_and_teaches_on_stderr():
    r = linkup()
    assert (r.returncode, r.stdout) == (2, "")
    assert "A first session" in r.stderr


def test_help_is_data():
    for args in (["--help"], ["-h"], ["help"]):
        r = linkup(*args)
        assert (r.returncode, r.stderr) == (0, "")
        for command in COMMANDS:
            assert f"  {command}" in r.stdout
        assert max(map(len, r.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command):
    first = linkup("help", *command.split())
    second = linkup(*command.split(), "--help")
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout
    assert first.stdout.startswith(f"linkup {command} - ")
    assert "\x1b" not in first.stdout


def test_a_group_alone():
    r = linkup("sessions")
    assert (r.returncode, r.stdout) == (2, "")
    assert "sessions create" in r.stderr
    r = linkup("sessions", "--help")
    assert r.returncode == 0
    assert "sessions create" in r.stdout
    assert linkup("help", "sessions").stdout == r.stdout


def test_version():
    r = linkup("--version")
    assert r.returncode == 0
    assert r.stdout.startswith("linkup ")


@pytest.mark.parametrize("args, says", [
    (["sesions", "ls"], "did you mean `linkup sessions`?"),
    (["sessions", "lst"], "did you mean `linkup sessions ls`?"),
    (["sessions", "create", "--tll", "7d"], "did you mean --ttl?"),
    (["--jsno", "status"], "did you mean --json?"),
    (["--ttl", "7d", "sessions", "create"], "after its name"),
    (["sessions", "show"], "too few"),
    (["sessions", "show", "a", "b"], "too many"),
    (["status", "doctor", "now"], "no operands"),
    (["sessions", "create", "--ttl"], "--ttl needs a value"),
    (["--json=yes", "status"], "takes no value"),
    (["--edge", "https://a", "--edge", "https://b", "status"], "given twice"),
    (["status", "doctor", "-x"], "unknown flag -x"),
    (["sessions", "create", "a", "b"], "is not SERVICE=URL"),
    (["sessions", "set", "web=http://x"], "which session"),
    (["sessions", "set", "a", "--pin", "--no-pin"], "both given"),
    (["sessions", "set", "a"], "nothing to change"),
    (["preview", "a"], "a preview of what"),
    (["token", "create", "--name", "x"], "--scope"),
    (["completion", "tcsh"], "bash, zsh and fish"),
    (["ca", "trust", "--store", "mine"], "system, nss or all"),
    (["help", "nothing"], "no command"),
    (["status"], "which edge?"),
    (["login"], "which edge?"),
    (["--token", "a", "--token-file", "b", "status"], "both given"),
])
def test_usage(args, says):
    r = linkup(*args)
    assert (r.returncode, r.stdout) == (2, ""), r.stderr
    assert says in r.stderr


@pytest.mark.parametrize("args, says", [
    (["sessions", "create", "Peter"], "cannot be a session's name"),
    (["sessions", "create", "a--b"], "cannot be a session's name"),
    (["sessions", "create", "web=ftp://x"], "web=ftp://x"),
    (["sessions", "create", "web=http://x", "web=http://y"], "given twice"),
    (["sessions", "create", "We=http://x"], "service's name"),
    (["sessions", "create", "web=shared"], "web=shared"),
    (["sessions", "create", "--from", "/nonexistent"], "/nonexistent"),
    (["explain", "http://x", "-H", "nothing"], "NAME: VALUE"),
    (["--edge", "http://edge.x", "status"], "https://edge.<zone>"),
    (["--edge", "edge.x", "status"], "https://edge.<zone>"),
    (["--edge", "https://edge.x/v1", "status"], "no path"),
    (["--edge", "https://edge.x", "--timeout", "0", "status"], "1 to 3600"),
    (["--edge", "https://edge.x", "--token", "a b", "status"], "no token"),
    (["--edge", "https://edge.x", "--token-file", "/nonexistent", "status"], "/nonexistent"),
    (["--edge", "https://edge.x", "--ca", "/nonexistent", "status"], "/nonexistent"),
    (["--edge", "https://edge.x", "--ca", "/dev/null", "status"], "no certificate"),
    (["--edge", "unix:", "status"], "unix:"),
])
def test_wrong_values(args, says):
    r = linkup(*args)
    assert (r.returncode, r.stdout) == (1, ""), r.stderr
    assert says in r.stderr


def test_values_after_two_dashes_and_attached():
    assert linkup("preview", "--print-request", "--", "web=http://x").returncode == 0
    assert linkup("preview", "--ttl=2d", "--print-request", "web=http://x").returncode == 0
    assert linkup("explain", "-Hnothing", "x").returncode == 1


def test_environment_twins():
    r = linkup("preview", "web=http://x", env={"LINKUP_PRINT_REQUEST": "1", "LINKUP_TTL": "2d"})
    assert (r.returncode, r.stdout) == (0, '{"services":{"web":{"url":"http://x"}},"ttl":"2d"}\n')
    r = linkup("preview", "web=http://x", "--ttl", "3d",
               env={"LINKUP_PRINT_REQUEST": "yes", "LINKUP_TTL": "2d"})
    assert '"ttl":"3d"' in r.stdout
    r = linkup("preview", "web=http://x", env={"LINKUP_PRINT_REQUEST": "maybe"})
    assert r.returncode == 1
    assert "LINKUP_PRINT_REQUEST" in r.stderr


def test_print_request_says_how_without_the_token():
    r = linkup("preview", "pr-12", "web=http://x", "api=tunnel", "--print-request",
               "--token", "tell-nobody", "--edge", "https://edge.a.b")
    assert r.returncode == 0
    assert r.stdout == '{"services":{"web":{"url":"http://x"},"api":{"tunnel":true}}}\n'
    assert "PUT https://edge.a.b/v1/sessions/pr-12" in r.stderr
    assert "tell-nobody" not in r.stderr


def test_lost_output_is_an_error():
    with open("/dev/full", "w", encoding="ascii") as full:
        r = subprocess.run([LINKUP, "help"], stdout=full, stderr=subprocess.PIPE, text=True,
                           timeout=60, check=False)
    assert r.returncode == 1
    assert "cannot write" in r.stderr


def complete(tmp_path, line, extra=""):
    """What bash offers at the end of LINE."""
    script = tmp_path / "linkup.bash"
    script.write_text(linkup("completion", "bash").stdout)
    words = line.split(" ")
    program = (f"source {script}\n{extra}\n"
               f"COMP_WORDS=({' '.join(repr(w) for w in words)})\n"
               f"COMP_CWORD={len(words) - 1}\n_linkup\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n")
    r = subprocess.run(["bash", "--norc", "-euc", program], capture_output=True, text=True,
                       timeout=60, check=True)
    assert r.stderr == ""
    return r.stdout.split()


@pytest.mark.parametrize("line, offers", [
    ("linkup se", ["sessions"]),
    ("linkup sessions s", ["show", "set"]),
    ("linkup --json sessions e", ["extend"]),
    ("linkup --edge https://x sessions e", ["extend"]),
    ("linkup completion ", ["bash", "zsh", "fish"]),
    ("linkup sessions create --t", ["--ttl", "--token", "--token-file", "--timeout"]),
    ("linkup ca trust --store n", ["nss"]),
    ("linkup sessions create --ttl ", []),
    ("linkup --edge ", []),
    ("linkup help com", ["completion"]),
    ("linkup route ", ["local", "remote"]),
    ("linkup start --fo", ["--foreground"]),
    ("linkup http 3000 --se", ["--service", "--session"]),
])
def test_bash_completion(tmp_path, line, offers):
    assert complete(tmp_path, line) == offers


def test_bash_completion_offers_every_first_word(tmp_path):
    assert complete(tmp_path, "linkup ") == list(dict.fromkeys(c.split()[0] for c in COMMANDS))


def test_bash_completion_asks_for_names_and_runs_none_of_them(tmp_path):
    fake = tmp_path / "linkup"
    fake.write_text("#!/bin/sh\nprintf 'peter\\tx\\npaul\\ty\\n$(touch %s/bad)\\tz\\n'\n" % tmp_path)
    fake.chmod(0o755)
    assert complete(tmp_path, f"{fake} sessions rm p") == ["peter", "paul"]
    assert not (tmp_path / "bad").exists()


def test_bash_completion_offers_services_and_sessions_of_here(tmp_path):
    (tmp_path / "linkup.yaml").write_text(
        "linkup: {edge_url: 'https://edge.a.b'}\ndomains: [{domain: a.b, default_service: web}]\n"
        "services: [{name: web, local: 'http://localhost:1'}, {name: api, local: 'http://localhost:2'}]\n")
    state = tmp_path / ".local/state/linkup"
    state.mkdir(parents=True)
    (state / "sessions.json").write_text('{"sessions": [{"project": "", "edge": "https://edge.a.b", '
                                         '"session": "slim-gecko", "on": false, "local": {}}]}')
    here = f"export HOME={tmp_path}; cd {tmp_path}"
    assert complete(tmp_path, f"{LINKUP} route local ", here) == ["web", "api"]
    assert complete(tmp_path, f"{LINKUP} start w", here) == ["web"]
    assert complete(tmp_path, f"{LINKUP} http 1 --service ", here) == ["web", "api"]
    assert complete(tmp_path, f"{LINKUP} stop --session ", here) == ["slim-gecko"]


def test_bash_completion_is_registered(tmp_path):
    script = tmp_path / "linkup.bash"
    script.write_text(linkup("completion", "bash").stdout)
    r = subprocess.run(["bash", "--norc", "-c", f"source {script}; complete -p linkup"],
                       capture_output=True, text=True, timeout=60, check=True)
    assert "-F _linkup linkup" in r.stdout


@pytest.mark.parametrize("shell, check", [("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])])
def test_other_shells_take_the_syntax(tmp_path, shell, check):
    script = tmp_path / f"linkup.{shell}"
    r = linkup("completion", shell)
    assert r.returncode == 0
    for word in ("sessions", "extend", "--store" if shell == "zsh" else "-l store"):
        assert word in r.stdout
    script.write_text(r.stdout)
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    subprocess.run([*check, str(script)], check=True, timeout=60)


def test_man_page_is_from_the_command_table():
    page = (SOURCE / "docs" / "man" / "linkup.1").read_text(encoding="utf-8")
    begin, end = ".\\\" From `linkup help --mdoc`:\n", ".\\\" End of it.\n"
    assert page.split(begin)[1].split(end)[0] == linkup("help", "--mdoc").stdout


def test_man_page_is_well_formed():
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    r = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(SOURCE / "docs/man/linkup.1")],
                       capture_output=True, text=True, timeout=60, check=False)
    assert r.stdout == ""
