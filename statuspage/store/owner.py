"""Whose a new file is: what root does at the command line must not shut the service out, which runs under an account of its own."""

import os
from contextlib import suppress
from pathlib import Path


def give_to_owner_of(directory: Path, descriptor: int) -> None:
    """Have the open file *descriptor* belong to whom *directory* belongs to, where root asks; with anybody else it does already."""
    if os.geteuid() == 0:
        owner = directory.stat()
        with suppress(OSError):  # not every file system, and not the root of every container, gives files away
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
