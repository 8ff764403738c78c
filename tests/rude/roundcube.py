"""Roundcube as Debian packages it, served by PHP in a process of its own, with its files and its mailboxes where a test says."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_INSTALLED = Path("/usr/share/roundcube")
_DEFAULTS = Path("/etc/roundcube/defaults.inc.php")
_STARTS_WITHIN = 60.0


@contextmanager
def roundcube(directory: Path, imap_port: int) -> Iterator[str]:
    """Run it, reading mail at *imap_port*; gives its URL."""
    config = directory / "config"
    for place in (config, directory / "temp", directory / "logs"):
        place.mkdir()
    (config / "defaults.inc.php").write_bytes(_DEFAULTS.read_bytes())
    (config / "mimetypes.php").write_text("<?php return [];", encoding="utf-8")
    settings = {
        "db_dsnw": f"sqlite:///{directory / 'db.sqlite'}?mode=0640",
        "imap_host": f"127.0.0.1:{imap_port}",
        "des_key": "twenty-four-letters-long",
        "temp_dir": f"{directory / 'temp'}/",
        "log_dir": f"{directory / 'logs'}/",
    }
    written = "".join(f"$config['{name}'] = '{value}';\n" for name, value in settings.items())
    (config / "config.inc.php").write_text(f"<?php\n{written}$config['plugins'] = [];\n", encoding="utf-8")
    port = _free_port()
    with (directory / "php.log").open("wb") as log:
        process = subprocess.Popen(
            ["php", "-S", f"127.0.0.1:{port}", "-t", str(_INSTALLED)],
            env=os.environ | {"ROUNDCUBE_CONFIG_DIR": f"{config}/"},
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(port, process, directory / "php.log")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PHP did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
