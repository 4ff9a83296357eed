"""What the cases share: the folder, the servers that run, how much work is done."""

import subprocess

from lib import machine, report
from lib.profile import Profile


class Bench:
    def __init__(self, folder, build, args):
        self.folder, self.build, self.args = folder, build, args
        self.quick = args.quick
        self.rounds = args.rounds or (2 if args.quick else 5)
        self._running = []
        self._shared = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self._running):
            process.stop()

    def work(self, whole, quick):
        return quick if self.quick else whole

    def started(self, process):
        self._running.append(process)
        return process

    def stopped(self, process):
        self._running.remove(process)
        process.stop()

    def once(self, key, make):
        """Servers that several cases use are started by the first."""
        if key not in self._shared:
            self._shared[key] = make(self)
        return self._shared[key]

    def wanted(self, names):
        only = self.args.servers.split(",") if self.args.servers else names
        return [n for n in names if n in only]

    def hold(self, servers):
        if self.args.hold:
            for name, server in servers.items():
                print(f"{name}: pid {server.process.popen.pid}, port {server.port}", flush=True)
            input("Enter goes on ")

    def client(self, command, seconds=120):
        """Runs a load generator on the client's core; its output."""
        with subprocess.Popen(machine.pinned(machine.CLIENT_CORE, command), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env=machine.environment()) as client:
            try:
                output = self._output(client, seconds)
            finally:
                client.kill()
        if client.returncode != 0:
            raise SystemExit(f"run: {command[0]} failed:\n{output}")
        return output

    def _output(self, client, seconds):
        """Until it ends; a client may wait for ever for a server that has died."""
        for _ in range(seconds):
            try:
                return client.communicate(timeout=1)[0]
            except subprocess.TimeoutExpired:
                for process in self._running:
                    process.check()
        raise SystemExit(f"run: {client.args[3]} did not end within {seconds} s")

    def interleave(self, servers, load):
        """A B C D, A B C D, ...: NAME -> list of processor seconds per unit that load(server) did."""
        costs = {name: [] for name in servers}
        for server in servers.values():
            load(server, warm=True)
        if self.args.profile:
            for server in servers.values():
                with Profile(self, server):
                    load(server, warm=False)
        for i in range(self.rounds):
            for name, server in servers.items():
                report.progress(f"  round {i + 1} of {self.rounds}: {name}")
                before = server.process.cpu()
                units = load(server, warm=False)
                server.process.check()
                costs[name].append((server.process.cpu() - before) / units)
        return costs
