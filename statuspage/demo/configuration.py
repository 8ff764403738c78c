"""The demo's configuration: an ordinary file for the real service, with the ports of this run filled in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from statuspage import bundled
from statuspage.demo.deliver import Mailbox
from statuspage.demo.ports import Address

_FILE, _PASSWORD_FILE = "statuspage.yaml", "mail-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Where the service answers: the public page, the console, and the demo's own control page."""

    public: Address
    internal: Address
    control: Address


def write(directory: Path, *, listeners: Listeners, addresses: Mapping[str, Address], mailbox: Mailbox) -> Path:
    """Write the configuration and the mailbox's password into *directory*; gives the configuration's path. Errors: OSError."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(bundled.templates() / "demo"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - YAML, not HTML: what may need quoting goes through tojson
        keep_trailing_newline=True,
    )
    password_file = (directory / _PASSWORD_FILE).resolve()
    text = environment.get_template(_FILE).render(
        public=f"http://{listeners.public}",
        internal=f"http://{listeners.internal}",
        listen_public=listeners.public,
        listen_internal=listeners.internal,
        control=listeners.control,
        addresses=addresses,
        mailbox=mailbox,
        password_file=str(password_file),
    )
    _write_privately(password_file, f"{mailbox.password}\n")
    path = directory / _FILE
    path.write_text(text, encoding="utf-8")
    return path


def _write_privately(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
