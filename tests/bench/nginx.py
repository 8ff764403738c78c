"""nginx, Debian's package, sending files as a static host would: what the wire and the kernel cost, and hardly more.

One worker of its own with ``sendfile``, files compressed beforehand (``gzip_static``), no access log.
"""

import gzip
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.turns import ended

STARTS_WITHIN = 10.0

CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 20000; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
    types {{ text/html html; application/json json; }}
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
    server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; gzip_static on; }}
}}
"""


@contextmanager
def serving(directory: Path, page: bytes) -> Iterator[tuple[int, int]]:
    """Serve *page* at ``/``; yields the port and the process's id. Errors: RuntimeError where nginx is not there, or does not start."""
    public = directory / "public"
    public.mkdir(parents=True)
    (public / "index.html").write_bytes(page)
    (public / "index.html.gz").write_bytes(gzip.compress(page, mtime=0))
    with sending(directory, public) as running:
        yield running


@contextmanager
def sending(directory: Path, root: Path) -> Iterator[tuple[int, int]]:
    """Send what stands in *root*, with files of its own in *directory*; yields and errors as ``serving``."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if program is None:
        raise RuntimeError("nginx is not installed: apt install nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (directory / "nginx.conf").write_text(CONFIGURATION.format(directory=directory, root=root, port=port), encoding="utf-8")
    with subprocess.Popen([program, "-c", directory / "nginx.conf"], stderr=subprocess.PIPE, text=True) as process:
        try:
            _await(process, port)
            yield port, process.pid
        finally:
            ended(process)


def _await(process: "subprocess.Popen[str]", port: int) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nginx did not start: {process.stderr.read() if process.poll() is not None and process.stderr else ''}")
