"""A host of its own: a network namespace with one cable to this one."""

import os
import shutil
import subprocess

import pytest


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


class Namespace:
    """With Namespace() as n: `here` and `there` are the cable's addresses, `prefix` runs a command there."""

    def __init__(self):
        if os.geteuid() != 0 or not shutil.which("ip"):
            pytest.skip("a network namespace takes root, and iproute2")
        self.name = f"lkit{os.getpid()}"
        # RFC 5737's TEST-NET-2: nobody's.
        self.here, self.there = "198.51.100.1", "198.51.100.2"
        self.cable = f"lk{os.getpid()}"
        self.prefix = ["ip", "netns", "exec", self.name]

    def __enter__(self):
        try:
            run("ip", "netns", "add", self.name)
        except OSError as e:
            pytest.skip(f"there are no network namespaces here: {e}")
        try:
            run("ip", "link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns",
                self.name)
            run("ip", "addr", "add", f"{self.here}/30", "dev", self.cable)
            run("ip", "link", "set", self.cable, "up")
            run(*self.prefix, "ip", "addr", "add", f"{self.there}/30", "dev", "eth0")
            run(*self.prefix, "ip", "link", "set", "eth0", "up")
            run(*self.prefix, "ip", "link", "set", "lo", "up")
        except OSError:
            self.__exit__()
            raise
        return self

    def cut(self):
        run("ip", "link", "set", self.cable, "down")

    def mend(self):
        run("ip", "link", "set", self.cable, "up")

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True, check=False)
