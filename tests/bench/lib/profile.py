"""Where linkupd spends its time: perf over the measured part of a case."""

import os
import shutil
import signal
import subprocess


class Profile:
    """With --profile: samples of the process between start and stop, then the top entries on stdout."""

    def __init__(self, bench, server):
        self.on = bench.args.profile and server.name.startswith("linkupd") and shutil.which("perf")
        self.server, self.data = server, bench.folder / "perf.data"
        self.perf = None

    def __enter__(self):
        if self.on:
            self.perf = subprocess.Popen(
                ["perf", "record", "-q", "-F", "1999", "-e", "cpu-clock", "--call-graph", "dwarf,4096", "-o", self.data,
                 "-p", str(self.server.process.popen.pid)], stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        if self.on:
            os.kill(self.perf.pid, signal.SIGINT)
            self.perf.wait()
            self._top(["--no-children", "-g", "none"], "self", 45)
            self._top(["--children", "-g", "none"], "with what it calls", 60)

    def _top(self, options, title, lines):
        done = subprocess.run(["perf", "report", "-i", self.data, "--stdio", "-q", "--percent-limit", "0.4", *options],
                              capture_output=True, text=True, check=False)
        rows = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
        print(f"profile ({title}):", *rows[:lines], "", sep="\n", flush=True)
