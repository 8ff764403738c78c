"""A real Prometheus in a process of its own; it scrapes a small exporter of the tests, or whatever it is told to."""

import http.server
import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STARTS_WITHIN = 60.0
_EXPORTED = b"""# TYPE queue_depth gauge
queue_depth{queue="in"} 3
queue_depth{queue="out"} 250
# TYPE temperature_celsius gauge
temperature_celsius NaN
"""


class _Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(_EXPORTED)))
        self.end_headers()
        self.wfile.write(_EXPORTED)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the tests' output is for their findings."""


@contextmanager
def prometheus(directory: Path) -> Iterator[str]:
    """Run Prometheus with its files in *directory*, and give its URL once it has scraped."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Exporter) as exporter:
        threading.Thread(target=exporter.serve_forever, daemon=True).start()
        try:
            scraped = {"job_name": "exporter", "static_configs": [{"targets": [f"127.0.0.1:{exporter.server_address[1]}"]}]}
            configured = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [scraped]}
            with running(directory, json.dumps(configured), awaited="queue_depth") as url:  # JSON is YAML
                yield url
        finally:
            exporter.shutdown()


@contextmanager
def running(directory: Path, configured: str, *, awaited: str) -> Iterator[str]:
    """Run Prometheus as *configured*, with its files in *directory*; give its URL once the query *awaited* finds something."""
    configuration = directory / "prometheus.yml"
    configuration.write_text(configured, encoding="utf-8")
    port = _free_port()
    arguments = [f"--config.file={configuration}", f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *arguments], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, awaited, process, directory / "log")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, awaited: str, process: subprocess.Popen[bytes], log: Path) -> None:
    question = urllib.parse.urlencode({"query": awaited})
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/query?{question}", timeout=2) as answer:
                if json.load(answer)["data"]["result"]:
                    return
        except (OSError, urllib.error.URLError):
            pass
        time.sleep(0.05)
    raise RuntimeError(f"Prometheus did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
