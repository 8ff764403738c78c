"""Something cheap to probe: a web server on raw asyncio that closes each connection after a small answer. Run as a process of its own."""

import asyncio
from typing import cast

import uvloop

BODY = b"<!doctype html><title>Target</title><p>All is well.</p>" + b" " * 400
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY)


class Target(asyncio.Protocol):
    """Answers whatever asks, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self._transport.write(ANSWER)
            self._transport.close()


async def main() -> None:
    """Listen on a free port, say which, and serve until killed."""
    server = await asyncio.get_running_loop().create_server(Target, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
