"""Put another text in the place of a file: all of it or nothing, and one writer at a time."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def text_of(file: Path) -> str:
    """The whole text of *file*, its line ends and its mark at the beginning as they are. Errors: OSError, UnicodeDecodeError."""
    return file.read_bytes().decode("utf-8")


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Wait until nobody else who asks here is changing a file of *directory*. Errors: OSError."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace(file: Path, text: str) -> None:
    """Have *file* hold *text*, with the mode and owner that it had; a link stays a link. Errors: OSError, and *file* is as it was."""
    real = file.resolve()
    before = real.stat()
    draft = real.with_name(f".{real.name}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            with suppress(PermissionError):  # only root gives files away; who may write here may read what they wrote
                os.fchown(stream.fileno(), before.st_uid, before.st_gid)
            os.fchmod(stream.fileno(), before.st_mode & 0o7777)
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(real)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
