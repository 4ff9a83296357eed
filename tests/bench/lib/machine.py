"""The machine: which cores do what, and what this was measured on."""

import os
import platform
import re
import resource
import subprocess

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
CLIENT_CORE = _CORES[-1]

_VERSIONS = {
    "knot": ["knotd", "--version"], "nsd": ["nsd", "-v"], "nginx": ["nginx", "-v"],
    "haproxy": ["haproxy", "-v"], "nghttpx": ["nghttpx", "--version"], "h2o": ["h2o", "-v"],
}


def pinned(core, command):
    return ["taskset", "-c", str(core), *map(str, command)]


def raise_file_limit():
    resource.setrlimit(resource.RLIMIT_NOFILE, (file_limit(), file_limit()))


def file_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def most_connections():
    """That a proxy can be asked to hold: haproxy counts two descriptors for each."""
    return min(25_000, (file_limit() - 200) // 2)


def environment():
    """Daemons live in sbin, which a user's PATH may lack."""
    return {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}


def _version(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    except OSError:
        return "absent"
    found = re.search(r"\d+\.\d+(\.\d+)?[-+\w.]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"


def _model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as f:
        found = re.search(r"model name\s*: (.*)", f.read())
    return found.group(1) if found else platform.machine()


def _memory_gib():
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)


def _system():
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        name = platform.system()
    return f"{name}, Linux {platform.release().split('-')[0]}"


def describe(build):
    lines = [f"{len(_CORES)} cores ({_model()}), {_memory_gib()} GiB, {_system()}"]
    versions = {"linkupd": [str(build / "linkupd"), "--version"], **_VERSIONS}
    lines.append(", ".join(f"{name} {_version(c)}" for name, c in versions.items()))
    lines.append(f"load at the start: {os.getloadavg()[0]:.1f}")
    return lines
