"""A small site's mirror, written from a picture, and a plain static server in front of it."""

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import formatdate
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from incidents.maintenance import MaintenanceState
from incidents.model import Status
from statuspage.mirror.files import leaves
from statuspage.mirror.publication import publish
from statuspage.mirror.versions import CURRENT
from statuspage.mirror.walk import Walk
from tests.statuspage.pictures import NOW, said, service, snapshot, story, update, window
from tests.statuspage.serving import Served

LIVE = "https://status.example.net"


async def published(directory: Path, at: datetime = NOW, name: str = "Patches") -> Mapping[str, bytes]:
    """The picture of a small site, as it is *at* an instant, in *directory*; gives what its files hold."""
    served = Served()
    planned = window(said(1, MaintenanceState.SCHEDULED, NOW), name={"en": name})
    told = snapshot(service("email"), stories=(story(update(1), id_="incidentopen"),), statuses={"email": Status.PARTIAL})
    served.publish(replace(told, windows=(planned,), site=replace(told.site, languages=("en", "de"))), at)
    walk = Walk(publisher=served.publisher, older=served.find, past=served.find_past)
    assert served.shelf is not None
    assert served.fresh is not None
    files = leaves(await walk.everything(served.shelf), served.shelf.missing, served.fresh, LIVE)
    publish(directory, files, at)
    return {name: one.body for name, one in files.items()}


@dataclass(kw_only=True)
class StaticHost:
    """Python's own file server, as anybody would start it; only its clock can be moved *ahead*. *asked* are the paths it was asked for."""

    port: int
    ahead: timedelta = timedelta(0)
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Files(SimpleHTTPRequestHandler):
    host: StaticHost

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time: of a file as it is, the present as the test has it."""
        moved = datetime.now().astimezone() + self.host.ahead
        return formatdate(moved.timestamp() if timestamp is None else timestamp, usegmt=True)

    def log_message(self, *_: object) -> None:
        """Keep silent, but note what was asked for."""
        self.host.asked.append(self.path)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that was closed before its answer came."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the library names its own kinds of them


@contextmanager
def hosted(directory: Path) -> Iterator[StaticHost]:
    """Serve the mirror in *directory* until left."""
    host = StaticHost(port=0)
    handler = type("Files", (_Files,), {"host": host})
    with _Server(("127.0.0.1", 0), partial(handler, directory=str(directory / CURRENT))) as server:
        host.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()
