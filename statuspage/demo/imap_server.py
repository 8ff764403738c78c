"""Run a real IMAP server with one mailbox, as a program of its own: ``imap_server.py PORT USER``, the password on standard input.

It ends when its standard input does, so that it never outlives the demo, however that ends.
"""

import os
import sys
import threading

from pymap.main import main as serve


def main() -> None:
    """Serve until told to stop, or until whoever started this is gone."""
    port, user = sys.argv[1:]
    password = _first_line()
    threading.Thread(target=_leave_with_the_parent, daemon=True).start()
    sys.argv[1:] = ["--no-tls", "--host", "127.0.0.1", "--port", port, "dict", f"--demo-user={user}", f"--demo-password={password}"]
    serve()


def _first_line() -> str:
    heard = b""
    while not heard.endswith(b"\n"):
        more = os.read(0, 1)
        if not more:
            sys.exit("no password on standard input")
        heard += more
    return heard.decode().rstrip("\n")


def _leave_with_the_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
