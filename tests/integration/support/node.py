"""Programs for node. Their packages come from npm, in the versions of node/package-lock.json, and are
installed on first use into the build folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess

from .edge import BUILD, SOURCE

FOLDER = SOURCE / "tests" / "integration" / "node"
HOME = BUILD / "node"
FILES = ("package.json", "package-lock.json", ".npmrc")


def _stamp():
    return hashlib.sha256(b"".join((FOLDER / f).read_bytes() for f in FILES)).hexdigest()


def _install(stamp):
    for f in FILES:
        shutil.copy(FOLDER / f, HOME / f)
    subprocess.run(["npm", "ci", "--loglevel=error"], cwd=HOME, check=True, timeout=300,
                   stdin=subprocess.DEVNULL)
    (HOME / "stamp").write_text(stamp)


def modules():
    """The folder of the packages, which are installed first if need be."""
    stamp = _stamp()
    HOME.mkdir(exist_ok=True)
    with open(HOME / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (HOME / "stamp").exists() or (HOME / "stamp").read_text() != stamp:
            _install(stamp)
    return HOME / "node_modules"


def start(program, *args, env=None, **kw):
    """node/PROGRAM, running; it ends with this process."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "node", str(FOLDER / program), *args],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            env={**os.environ, "NODE_PATH": str(modules()), **(env or {})}, **kw)
