"""The machine: its clock, its zone, its disk, and who may read what."""

import ctypes
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from probes.catalog import KINDS
from probes.egress import Door
from probes.run import run
from statuspage.cli.examining.finding import Finding, Findings, Place, Standing
from statuspage.cli.first_file import zone_here
from statuspage.clock import wall_clock
from statuspage.config.sources import files_of, read, references

_UNSET = 5
"""What adjtimex(2) returns where nothing sets the clock."""
_MAX_ERROR = 24
"""Where its structure has the greatest error, in microseconds, on machines of 64 bits."""
_FAR, _WRONG = 0.5, 5.0
"""Seconds off from which a clock is doubtful, and from which times on the page mislead."""
_SCARCE, _LITTLE = 200 * 2**20, 2 * 2**30
"""Bytes free below which a disk is bad, and below which it is doubtful."""


async def clock(place: Place) -> Findings:
    """Whether something sets the clock; where nothing does, how far off a time server finds it."""
    error = _kernel_error()
    if error is not None:
        return [Finding(about="clock", standing=Standing.GOOD, found=f"synchronised, off by {error:.3f} s at most")]
    mend = "have chrony or systemd-timesyncd set it: votes, maintenance and certificates go by it"
    kind = KINDS["ntp"]
    settings = kind.settings(host=place.time_server.partition(":")[0], port=int(place.time_server.partition(":")[2] or 123))
    result = await run(kind, settings, door=Door(), timeout=3.0, started=wall_clock())
    offset = result.facts.get("offset_seconds")
    if offset is None:
        found = f"the kernel does not call it synchronised, and {place.time_server} could not be asked: {result.failure}"
        return [Finding(about="clock", standing=Standing.DOUBTFUL, found=found, mend=mend)]
    standing = Standing.BAD if abs(offset) > _WRONG else Standing.DOUBTFUL if abs(offset) > _FAR else Standing.GOOD
    found = f"{abs(offset):.3f} s {'behind' if offset > 0 else 'ahead of'} {place.time_server}"
    return [Finding(about="clock", standing=standing, found=found, mend="" if standing is Standing.GOOD else mend)]


def _kernel_error() -> float | None:
    """How far off the clock is at most (seconds), by the kernel; None where nothing sets it, or the kernel does not tell."""
    if sys.platform != "linux" or sys.maxsize <= 2**32:
        return None
    told = ctypes.create_string_buffer(512)
    state = ctypes.CDLL(None).adjtimex(told)
    if state in (-1, _UNSET):
        return None
    return int.from_bytes(told.raw[_MAX_ERROR : _MAX_ERROR + 8], sys.byteorder, signed=True) / 1e6


def zone(place: Place) -> Findings:
    """Whether the page counts its days where its people live."""
    named, here = place.config.site.timezone, zone_here()
    if "timezone" in place.config.site.model_fields_set or here.removeprefix("Etc/") in ("UTC", "UCT", "GMT"):
        return [Finding(about="zone", standing=Standing.GOOD, found=f"the page's days are those of {named}")]
    found = f"the page's days are those of {named}, which nobody chose; this machine is in {here}"
    return [Finding(about="zone", standing=Standing.DOUBTFUL, found=found, mend=f"write site.timezone: {here}, or UTC if that is meant")]


def disk(place: Place) -> Findings:
    """Whether there is room where the service keeps what it knows, and whether it may write there."""
    here = place.data_dir
    while not here.exists() and here != here.parent:
        here = here.parent
    free, figures = shutil.disk_usage(here).free, os.statvfs(here)
    if not os.access(here, os.W_OK | os.X_OK):
        found, mend = f"{here} cannot be written to by this account", "run the doctor as the service's account, or give it the directory"
        return [Finding(about="disk", standing=Standing.BAD, found=found, mend=mend)]
    if figures.f_files and figures.f_favail < 1000:
        return [Finding(about="disk", standing=Standing.BAD, found=f"{here} has {figures.f_favail} inodes left", mend="remove small files")]
    standing = Standing.BAD if free < _SCARCE else Standing.DOUBTFUL if free < _LITTLE else Standing.GOOD
    mend = "" if standing is Standing.GOOD else "make room, or shorten store.retention: where nothing can be written, nothing is judged"
    return [Finding(about="disk", standing=standing, found=f"{free / 2**30:.1f} GiB free at {here}", mend=mend)]


# --- modes ----------------------------------------------------------------------------------------------------------------------


def modes(place: Place) -> Findings:
    """Whether strangers on this machine could read secrets or change what is watched."""
    found = [*_writable(place), *_readable(place)]
    return found or [Finding(about="files", standing=Standing.GOOD, found="nobody else may change the configuration or read secrets")]


def _writable(place: Place) -> Iterator[Finding]:
    for file in {*files_of(place.path), place.path.resolve().parent}:
        mode = file.stat().st_mode
        if mode & stat.S_IWOTH and not (file.is_dir() and mode & stat.S_ISVTX):
            yield Finding(about="files", standing=Standing.BAD, found=f"anybody may write to {file}", mend=f"chmod o-w {file}")


def _readable(place: Place) -> Iterator[Finding]:
    secret = [file for file in _secrets(place) if file.exists()]
    kept = [place.data_dir, *(file for file in place.data_dir.glob("*.db*"))] if place.data_dir.is_dir() else []
    is_shut = bool(kept) and not place.data_dir.stat().st_mode & stat.S_IXOTH
    for file in [*secret, *([] if is_shut else kept)]:
        if file.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH if file.is_dir() else stat.S_IROTH):
            yield Finding(
                about="files", standing=Standing.BAD, found=f"anybody on this machine may read {file}", mend=f"chmod o-rwx {file}"
            )
    if place.data_dir.is_dir() and (owner := place.data_dir.stat().st_uid) not in (os.geteuid(), 0) and os.geteuid() != 0:
        found = f"{place.data_dir} belongs to account {owner}, and this is {os.geteuid()}"
        yield Finding(about="files", standing=Standing.DOUBTFUL, found=found, mend="run the doctor as the service's account")


def _secrets(place: Place) -> Iterator[Path]:
    """The files that ``{file: PATH}`` names anywhere in the configuration."""
    sources = read(place.path)
    for trail, way, name in references(sources.value):
        if way == "file":
            yield Path(sources.place(trail).file).parent / name
