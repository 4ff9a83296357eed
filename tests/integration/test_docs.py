"""The documentation: its tables are the binaries' own, its examples are run, its links lead somewhere.

With LINKUP_UPDATE_DOCS=1 the generated parts are written instead of compared.
"""

import json
import os
import re
import shutil
import signal
import subprocess

import pytest
import yaml

from support.edge import LINKUP, LINKUPD, SOURCE, Edge
from support.http1 import Http1
from support.net import connect_unix
from support.pki import Issuer

DOCS = SOURCE / "docs"
MAN = sorted((DOCS / "man").glob("*.[0-9]"))
PAGES = sorted(DOCS.glob("*.md")) + [p for p in [SOURCE / "README.md"] if p.exists()]
GENERATED = re.compile(
    r'(?P<begin>(<!-- |\.\\" From `)(?P<program>linkupd?) (?P<option>[\w= -]+?)( -->|`:)\n(\.Bl [^\n]*\n)?)'
    r'(?P<body>.*?)(?P<end>(\.El\n)?(<!-- end -->|\.\\" End of it\.))', re.S)
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.S | re.M)
BASE = {"zone": "dev.example.com", "addresses": ["203.0.113.10"],
        "services": [{"name": "web", "url": "http://web.internal:3000"}]}


def name_of(path):
    return str(path.relative_to(SOURCE))


def run(*command, env=None):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


# --- what is generated

@pytest.mark.parametrize("path, options", [
    (DOCS / "api.md", ["--help-api"]),
    (DOCS / "metrics.md", ["--help-metrics"]),
    (DOCS / "man/linkupd.yaml.5", ["--help-config=mdoc"]),
    (DOCS / "man/linkup.yaml.5", ["help --project --mdoc"])], ids=lambda v: getattr(v, "name", ""))
def test_generated_parts(path, options):
    text = path.read_text()
    assert [m["option"] for m in GENERATED.finditer(text)] == options

    def fill(m):
        r = run({"linkup": LINKUP, "linkupd": LINKUPD}[m["program"]], *m["option"].split())
        assert (r.returncode, r.stderr) == (0, "")
        return m["begin"] + r.stdout + m["end"]

    filled = GENERATED.sub(fill, text)
    if os.environ.get("LINKUP_UPDATE_DOCS") == "1":
        path.write_text(filled)
    assert path.read_text() == filled, "LINKUP_UPDATE_DOCS=1 brings it up to date"


def test_every_error_page_is_documented():
    table = re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", (DOCS / "routing.md").read_text(), re.M)
    source = (SOURCE / "proxy/page/page.c").read_text()
    kinds = re.findall(r'\[PAGE_\w+\]\s*=\s*\{(\d{3}),\s*"([a-z-]+)"', source)
    kinds = [k for k in kinds if k[0] != "200"]  # the home page is no error
    assert len(kinds) > 15
    assert table == sorted(table, key=lambda row: row[0])
    assert sorted(table) == sorted(kinds)


# --- configurations

def yaml_blocks():
    for page in PAGES:
        for info, body in FENCE.findall(page.read_text()):
            if info == "yaml linkupd" or (info == "yaml" and page.name == "configuration.md"):
                yield pytest.param(body, id=f"{page.name}-{body.splitlines()[0][:30]}")
    for page in MAN:
        for body in re.findall(r"^\.Bd .*\n(zone: .*(?:\n.*)*?)\n\.Ed$", page.read_text(), re.M):
            yield pytest.param(body.replace("\\-", "-"), id=page.name)


def test_there_are_configurations():
    assert len(list(yaml_blocks())) >= 12


@pytest.mark.parametrize("text", yaml_blocks())
def test_configurations_check(text, tmp_path):
    """Each stands for itself, or beside the keys that must be there."""
    there = yaml.safe_load(text)
    for key, value in BASE.items():
        if key not in there:
            text += yaml.safe_dump({key: value})
    for path in sorted(set(re.findall(r"/etc/linkup/[\w.]+", text)), reverse=True):
        file = tmp_path / path.rpartition("/")[2]
        if file.suffix == ".pem":
            Issuer().write(tmp_path, file.stem, ["shop.example.com"])
        elif not file.exists():
            file.write_text("c2VjcmV0\n")
        text = text.replace(path, str(file))
    file = tmp_path / "linkupd.yaml"
    file.write_text(text)
    env = {name: "backend.internal" for name in re.findall(r"\$\{(\w+)\}", text)}
    r = run(LINKUPD, "--check", "--config", str(file), env=env)
    assert (r.returncode, r.stderr) == (0, ""), r.stderr


def test_the_example_of_a_project_is_one(tmp_path):
    text = (DOCS / "man/linkup.yaml.5").read_text()
    example = re.search(r"^\.Sh EXAMPLES\n\.Bd .*\n((?:.*\n)*?)\.Ed$", text, re.M)[1].replace("\\-", "-")
    (tmp_path / "linkup.yaml").write_text(example)
    r = run(LINKUP, "preview", "api=https://pr-12.example.net", "--print-request", "-c",
            str(tmp_path / "linkup.yaml"))
    assert r.returncode == 0, r.stderr
    body = json.loads(r.stdout)
    assert body["services"]["api"]["url"] == "https://pr-12.example.net"
    assert body["services"]["api"]["rewrites"] and body["domains"][0]["default_service"] == "web"


def test_the_summary_of_linkupd_checks(tmp_path):
    text = run(LINKUPD, "--help").stdout
    file = tmp_path / "first.yaml"
    file.write_text(re.search(r"A first one:\n\n((?:  .*\n)+)", text)[1])
    assert run(LINKUPD, "--check", "--config", str(file)).returncode == 0


# --- exit codes

def documented_codes(man):
    section = (DOCS / "man" / man).read_text().split(".Sh EXIT STATUS")[1].split(".Sh")[0]
    return [int(code) for code in re.findall(r"^\.It (\d+)$", section, re.M)]


def test_exit_codes_of_linkupd(tmp_path):
    assert documented_codes("linkupd.8") == [0, 1, 2]
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(yaml.safe_dump(BASE))
    wrong.write_text("zone: 1\n")
    (tmp_path / "taken").write_text("")
    stuck = tmp_path / "stuck.yaml"
    stuck.write_text(yaml.safe_dump({**BASE, "state": str(tmp_path / "taken/state")}))
    for code, options in [
            (0, ["--help"]), (0, ["--version"]), (0, ["--help-config"]), (0, ["--help-api"]),
            (0, ["--help-metrics"]), (0, ["--check", "--config", str(right)]),
            (0, ["--dump", "-c", str(right)]),
            (1, ["--check", "--config", str(wrong)]), (1, ["--config", str(wrong)]),
            (1, ["--check", "--config", str(tmp_path / "none.yaml")]), (1, ["--config", str(stuck)]),
            (2, []), (2, ["--config"]), (2, ["--no-such"]), (2, ["--help-config=html"]),
            (2, ["--check", "--config", str(right), "more"])]:
        r = run(LINKUPD, *options, env={"LINKUPD_CONFIG": ""} if options else None)
        assert r.returncode == code, (options, r.stderr)
        assert bool(r.stdout) == (code == 0)
        assert bool(r.stderr) == (code != 0)


def test_exit_code_after_a_signal():
    with Edge() as edge:
        edge.signal(signal.SIGTERM)
        assert edge.wait() == 0


def test_exit_codes_of_linkup():
    assert documented_codes("linkup.1") == [0, 1, 2, 3, 4, 5]
    with Edge() as edge:
        here = ["--edge", f"unix:{edge.admin}"]
        there = ["--edge", f"https://edge.linkup.test:{edge.https}", "--connect",
                 f"127.0.0.1:{edge.https}", "--ca", str(edge.ca_file), "--token", "lk_wrong"]
        for code, args in [
                (0, [*here, "status"]), (1, [*here, "explain", "https:///"]), (2, ["no-such"]),
                (3, ["--edge", f"unix:{edge.admin}.none", "status"]), (4, [*there, "status"]),
                (5, [*here, "sessions", "rm", "nobody"])]:
            r = run(LINKUP, *args, env={"HOME": str(edge.folder)})
            assert r.returncode == code, (args, r.stderr)


def test_every_option_is_in_the_man_page():
    man = (DOCS / "man/linkupd.8").read_text().replace("\\-", "-")
    for option in re.findall(r"linkupd (--[a-z-]+)", run(LINKUPD, "--help").stdout):
        assert f"Fl {option[1:]}" in man, option


# --- the API

CHANGING = {"created", "changed", "expires", "started", "version", "id", "token", "trace_id"}


def same(said, got, seen, at=""):
    """GOT has the shape and values of SAID; of what changes from run to run only the shape. SEEN: what
    stands for what was said."""
    assert type(said) is type(got), (at, said, got)
    if isinstance(said, dict):
        assert set(said) == set(got), at
        for key in said:
            changes = key in CHANGING and isinstance(said[key], str)
            if changes and isinstance(got[key], str):
                seen[said[key]] = got[key]
            else:
                same(said[key], got[key], seen, f"{at}.{key}")
    elif isinstance(said, list):
        assert len(said) == len(got), at
        for i, (a, b) in enumerate(zip(said, got)):
            same(a, b, seen, f"{at}[{i}]")
    else:
        assert said == got, at


def taken_apart(block):
    head, _, body = block.partition("\n\n")
    first, *fields = head.strip().splitlines()
    return first, [tuple(f.split(": ", 1)) for f in fields], json.loads(body) if body.strip() else None


def test_the_api_answers_as_documented():
    text = (DOCS / "api.md").read_text()
    blocks = [taken_apart(body) for info, body in FENCE.findall(text) if info == "http"]
    calls = list(zip(blocks[::2], blocks[1::2]))
    config = {**BASE, "services": [{"name": "web", "url": "http://web.internal:3000"},
                                   {"name": "api", "url": "http://api.internal:9000",
                                    "rewrites": [{"source": "^/api/(.*)", "target": "/$1"}]}],
              "domains": [{"domain": "dev.example.com", "default_service": "web",
                           "routes": [{"path": "^/api/", "service": "api"}]}], "public_port": 443}
    asked, seen = set(), {}
    with Edge(config) as edge:
        for (request, fields, body), (status, said_fields, said) in calls:
            method, path = request.split(" ")
            for was, now in seen.items():
                path = path.replace(was, now)
            with Http1(connect_unix(edge.admin), "edge.dev.example.com") as c:
                answer = edge.call(c, method, path, body, fields)
            assert answer.status == int(status), (request, answer)
            got = answer.json() if answer.body else None
            same(said, got, seen, request)
            for name, value in said_fields:
                for was, now in seen.items():
                    value = value.replace(was, now)
                assert dict(answer.fields)[name] == value, request
            asked.add((method, path.partition("?")[0].replace("peter", "{name}")
                       .replace("pr-12", "{name}")))
    every = re.findall(r"^\| `([A-Z]+) (\S+)`", run(LINKUPD, "--help-api").stdout, re.M)
    without = {("GET", "/v1/events"), ("GET", "/v1/ca.pem"), ("GET", "/linkup/check")}
    asked = {(m, re.sub(r"/[0-9a-f]{12}$", "/{id}", p)) for m, p in asked}
    asked = {(m, re.sub(r"/[0-9a-f]{32}$", "/{trace_id}", p)) for m, p in asked}
    assert set(every) == asked | without


# --- links and man pages

def anchors(text):
    """As GitHub makes them."""
    for line in FENCE.sub("", text).splitlines():
        if m := re.match(r"#+ (.*)", line):
            yield re.sub(r"[^\w\- ]", "", m[1].lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        to = (page.parent / path) if path else page
        assert to.exists(), f"{name_of(page)}: {link}"
        if anchor:
            assert anchor in anchors(to.read_text()), f"{name_of(page)}: {link}"


@pytest.mark.parametrize("page", MAN, ids=name_of)
def test_man_pages(page):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    r = run("mandoc", "-T", "lint", "-W", "style", str(page))
    worse = [line for line in r.stdout.splitlines()
             if not re.search(r"referenced manual not found|longer than 80 bytes", line)]
    assert not worse
