"""Something cheap to probe in each kind, hand-made on raw asyncio. ``python -m tests.bench.targets DIRECTORY`` prints the ports by kind.

*DIRECTORY* holds the certificate and key for https, ``cert.pem``. Everything listens on all of 127.0.0.0/8, so that one process can play
many hosts. ``hang`` accepts and says nothing.
"""

import asyncio
import json
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import uvloop

BODY = b"<!doctype html><title>Target</title><p>All is well.</p>" + b" " * 400
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY)
EVERYWHERE = "0.0.0.0"
"""On a machine that measures itself: all of 127.0.0.0/8."""

SMTP: Mapping[bytes, bytes] = {b"EHLO": b"250-mail.example.net\r\n250-SIZE 10485760\r\n250 8BITMIME\r\n", b"QUIT": b"221 bye\r\n"}
IMAP: Mapping[bytes, bytes] = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n%s OK done\r\n",
    b"LOGOUT": b"* BYE going\r\n%s OK bye\r\n",
}
LAST = frozenset({b"QUIT", b"LOGOUT"})


class Peer(asyncio.Protocol):
    """Accepts, and says nothing."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses of asyncio's.
        self.transport = cast("asyncio.Transport", transport)


class Web(Peer):
    """Answers whatever asks, and hangs up."""

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(ANSWER)
            self.transport.close()


class Smtp(Peer):
    """Greets, answers EHLO and QUIT."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(b"220 mail.example.net ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        word = data[:4].upper()
        self.transport.write(SMTP[word])
        if word in LAST:
            self.transport.close()


class Imap(Peer):
    """Greets, answers CAPABILITY and LOGOUT."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(b"* OK IMAP4rev1 ready\r\n")

    def data_received(self, data: bytes) -> None:
        tag, word = data.split()[:2]
        self.transport.write(IMAP[word.upper()] % tag)
        if word.upper() in LAST:
            self.transport.close()


class Names(asyncio.DatagramProtocol):
    """Answers every question with 192.0.2.1."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        end = data.index(b"\0", 12) + 5
        record = b"\xc0\x0c\0\1\0\1\0\0\x01\x2c\0\4\xc0\0\2\1"
        self.transport.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end] + record, addr)


async def main(directory: Path) -> None:
    """Listen on free ports, say which, and serve until killed."""
    loop, ports = asyncio.get_running_loop(), {}
    encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encrypted.num_tickets = 0
    encrypted.load_cert_chain(directory / "cert.pem")
    servers = []
    for kind, peer in {"http": Web, "https": Web, "tcp": Peer, "smtp": Smtp, "imap": Imap, "hang": Peer}.items():
        server = await loop.create_server(peer, EVERYWHERE, 0, backlog=4096, ssl=encrypted if kind == "https" else None)
        ports[kind] = server.sockets[0].getsockname()[1]
        servers.append(server)
    transport, _ = await loop.create_datagram_endpoint(Names, (EVERYWHERE, 0))
    ports["dns"] = transport.get_extra_info("sockname")[1]
    print(json.dumps(ports), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
