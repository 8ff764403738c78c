"""A small disk of one's own under the mirror, filled and made read-only: ``python -m tests.faults.mirror_disk DIR``, where one may mount.

Prints a line for each thing that was seen; breaks where something is not as it must be.
"""

import errno
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from statuspage.mirror.notice import put_notice
from statuspage.mirror.publication import publish
from statuspage.mirror.versions import CURRENT, Versions
from statuspage.render.notice import noticed
from tests.faults.mirror import AT, numbered
from tests.faults.test_mirror_killed import wrong

SIZE = "1500k"


def refused(act: Callable[[], object]) -> int:
    """With which error *act* fails."""
    try:
        act()
    except OSError as error:
        return error.errno or 0
    raise AssertionError("it did not fail")


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave no room on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - anything else is a fault of this test
                    break
    try:
        yield
    finally:
        ballast.unlink()


def full(disk: Path) -> str:
    mirror = disk / "mirror"
    publish(mirror, numbered(1), AT)
    with filled(disk):
        assert refused(lambda: publish(mirror, numbered(2), AT)) == errno.ENOSPC
        assert wrong(mirror) == []
        assert Versions(mirror).names(is_whole=False) == ["00000001"], "nothing of what did not fit stays behind"
    publish(mirror, numbered(3), AT)
    assert wrong(mirror) == []
    return "full: the last whole version is served, and the next one when there is room"


def words_on_a_full_disk(disk: Path) -> str:
    mirror = disk / "mirror"
    for number in range(4, 8):
        publish(mirror, numbered(number), AT)
    with filled(disk):
        put_notice(mirror, noticed("The disk is full.", AT), AT, "Example")
        assert wrong(mirror) == []
        assert b"The disk is full." in (mirror / CURRENT / "index.html").read_bytes()
    return "words: older versions are given up for them"


def read_only(disk: Path) -> str:
    mirror = disk / "mirror"
    publish(mirror, numbered(10), AT)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert refused(lambda: publish(mirror, numbered(11), AT)) == errno.EROFS
    assert wrong(mirror) == []
    subprocess.run(["mount", "-o", f"remount,rw,size={SIZE}", str(disk)], check=True)
    publish(mirror, numbered(12), AT)
    assert wrong(mirror) == []
    return "read-only: the same"


def main(directory: str) -> None:
    disk = Path(directory)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", directory], check=True)
    for trial in (full, words_on_a_full_disk, read_only):
        print(trial(disk))


if __name__ == "__main__":
    main(*sys.argv[1:])
