"""Chromium without a window, looking at one page of the edge's until the caller has seen enough."""

import contextlib
import shutil
import subprocess
import tempfile


@contextlib.contextmanager
def open_page(url, hosts, home=None):
    """HOSTS are led to 127.0.0.1. Certificates are looked at with HOME only: against the store there."""
    chromium = shutil.which("chromium")
    assert chromium, "no chromium: tools/setup test installs it"
    rules = ",".join(f"MAP {h} 127.0.0.1" for h in hosts)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", chromium, "--headless=new", "--no-sandbox",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             f"--user-data-dir={folder}", *([] if home else ["--ignore-certificate-errors"]),
             f"--host-resolver-rules={rules}", "--remote-debugging-port=0", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"HOME": str(home or folder), "PATH": "/usr/bin:/bin"}) as browser:
            try:
                yield
            finally:
                browser.kill()
