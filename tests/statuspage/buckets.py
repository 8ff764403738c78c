"""A real server that speaks S3, SeaweedFS from the package index, with a place for each test; and one that misbehaves on script."""

import asyncio
import itertools
import json
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from probes.settings import Secret
from statuspage.mirror.target import Bucket
from tests.deadline import PATIENCE
from tests.rude.daemons import own_directory, running
from tests.rude.peer import closed_port

KEY, SECRET, READER = "mirrorkey", "mirrorsecret", "readerkey"
_IDENTITIES = {
    "identities": [
        {"name": "mirror", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Read", "Write", "List"]},
        {"name": "reader", "credentials": [{"accessKey": READER, "secretKey": SECRET}], "actions": ["Read", "List"]},
        {"name": "anonymous", "actions": ["Read"]},
    ]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where it speaks S3, and where buckets are made."""

    endpoint: str
    filer: str
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def bucket(self, name: str = "site") -> Bucket:
        """A place in the bucket *name* that no test has had before."""
        prefix = f"status-{next(self._numbers)}"
        return Bucket(name=name, prefix=prefix, endpoint=self.endpoint, region="us-east-1", key=KEY, secret=Secret(SECRET), within=60.0)

    def make(self, name: str = "site") -> None:
        """Make a bucket; the server takes a moment after its start before it can."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(f"{self.filer}/buckets/{name}/", method="POST")):
                    return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def url(self, bucket: Bucket, name: str) -> str:
        """Where a reader finds an object."""
        return f"{self.endpoint}/{bucket.name}/{bucket.prefix}/{name}"


@contextmanager
def seaweed() -> Iterator[Server]:
    """Run SeaweedFS until left."""
    with own_directory() as directory:
        (directory / "identities.json").write_text(json.dumps(_IDENTITIES))
        ports = {name: closed_port() for name in ("master", "volume", "filer", "s3")}
        command = [Path(sys.executable).with_name("weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={directory}", "-s3"]
        command += [f"-{name}.port={port}" for name, port in ports.items()]
        command += [f"-{name}.port.grpc={closed_port()}" for name in ports]
        command += ["-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.config={directory}/identities.json"]
        command += ["-s3.autoCreateBucket=false", "-master.telemetry=false", "-volume.max=40", "-master.volumeSizeLimitMB=4"]
        with running(command, ports["s3"], ports["filer"], hard=True):
            server = Server(endpoint=f"http://127.0.0.1:{ports['s3']}", filer=f"http://127.0.0.1:{ports['filer']}")
            server.make()
            yield server


@asynccontextmanager
async def scripted(answer: bytes | None) -> AsyncIterator[str]:
    """A server that answers each request with *answer*, or (None) never; gives its endpoint."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def refusal(status: str, code: str) -> bytes:
    """How a server that speaks S3 refuses."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Words of the server.</Message></Error>".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body
