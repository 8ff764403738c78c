"""Carries the newest version elsewhere by the operator's own rsync program: to a daemon, or to a host behind ssh.

There ``current`` is a symbolic link to ``versions/00000012-…``, a version's files. A version is sent into a directory of its own, beside
the one that is served, with whatever has not changed as hard links to the files that are there; then the link is switched by one rename,
which is how rsync replaces a link. Only the operator's words and names of ours are arguments, and no shell reads them.
"""

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from statuspage.mirror.target import Elsewhere
from statuspage.mirror.version import Version
from statuspage.mirror.versions import CURRENT, VERSIONS
from statuspage.mirror.writing import SITE
from statuspage.programs import running

PROGRAM = "rsync"
SILENCE = 30
"""Seconds without a byte after which rsync gives up."""

MOST_SAID = 1 << 20
MOST_SHARED = 20
"""Directories that rsync looks into for files that it need not send."""

_SSH = "ssh -oBatchMode=yes -oConnectTimeout=15"  # nobody is there to type a password
_KEPT_SURROUNDINGS = ("PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK", "RSYNC_RSH", "RSYNC_PROXY")
_NAME = r"\d{8}-[0-9a-f]{16}"
_LINK = re.compile(rf"^l\S+ .* {CURRENT} -> {VERSIONS}/({_NAME})$", re.MULTILINE)
_VERSION = re.compile(rf"^d\S+ .* {VERSIONS}/({_NAME})$", re.MULTILINE)
_VERSIONS = re.compile(rf"^d\S+ .* {VERSIONS}$", re.MULTILINE)
_MISSING = re.compile(r"(change_dir|link_stat) .*(No such file or directory|Too many levels of symbolic links)")


@dataclass(frozen=True, slots=True)
class _There:
    """What stands at the far side: the version that is served, all that there are, and whether there is room for them."""

    current: str | None
    names: frozenset[str]
    has_room: bool

    @property
    def highest(self) -> int:
        """The number of the newest version that there is, served or not: the next one comes after it, and is not the first to go."""
        return max((int(name.partition("-")[0]) for name in self.names), default=0)


@dataclass(slots=True)
class Rsync:
    """Carries to *place*."""

    place: Elsewhere
    surroundings: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _is_followed: bool = False

    async def carry(self, home: Path, version: Version, *, keeps: int) -> None:
        """Make *version*, which is at *home*, what is served there; *keeps* older ones stay. Errors: OSError, and what was there stays."""
        there = await self._look()
        mark = _mark(version)
        is_served = there.current is not None and there.current.endswith(mark)
        name = there.current if is_served and there.current else f"{there.highest + 1:08d}-{mark}"
        async with _skeleton(name) as skeleton:
            if not is_served:
                await self._send(home / SITE, name, there, skeleton)
            others = sorted(there.names - {name})
            await self._switch(skeleton, others[: max(len(others) - keeps, 0)])
        await self._follow()

    async def _look(self) -> _There:
        listed = ("--list-only", "-lr", f"--include=/{CURRENT}", f"--include=/{VERSIONS}/", f"--include=/{VERSIONS}/*/", "--exclude=*")
        try:
            said = await self._run(*listed, self._at("/"))
        except FileNotFoundError:
            return _There(None, frozenset(), has_room=False)
        current, names = _LINK.search(said), frozenset(_VERSION.findall(said))
        return _There(current[1] if current and current[1] in names else None, names, has_room=_VERSIONS.search(said) is not None)

    async def _send(self, site: Path, name: str, there: _There, skeleton: Path) -> None:
        if not there.has_room:
            await self._run("-d", str(skeleton / VERSIONS), self._at("/"))
        shared = [f"--link-dest=../{other}" for other in sorted(there.names - {name}, reverse=True)[:MOST_SHARED]]
        await self._run("-rlpt", "--chmod=D755,F444", "--delete", *shared, f"{site}/", self._at(f"/{VERSIONS}/{name}/"))

    async def _switch(self, skeleton: Path, gone: Sequence[str]) -> None:
        """Let ``current`` lead to the new version, and after that take away the versions that are *gone*."""
        swept = [f"--include=/{VERSIONS}/{name}/{tail}" for name in gone for tail in ("", "**")]
        kept = (f"--include=/{CURRENT}", f"--include=/{VERSIONS}/", *swept, "--exclude=*")
        await self._run("-rl", "--delete-after", "--force", *kept, f"{skeleton}/", self._at("/"))

    async def _follow(self) -> None:
        """Make sure, once, that the link leads somewhere. Errors: OSError where a daemon has spoilt it."""
        if self._is_followed:
            return
        try:
            await self._run("--list-only", self._at(f"/{CURRENT}/index.html"))
        except FileNotFoundError:
            raise OSError(f"{CURRENT} leads nowhere there: set `munge symlinks = no` for the daemon's module") from None
        self._is_followed = True

    def _at(self, path: str) -> str:
        return f"{self.place.address}{path}"

    async def _run(self, *arguments: str) -> str:
        """Run rsync to its end, and return what it says. Errors: OSError with its complaint; FileNotFoundError where nothing is there."""
        words = (PROGRAM, f"--timeout={SILENCE}", *arguments)
        try:
            async with running(words, self._surroundings(), stdin=DEVNULL, stderr=PIPE) as process:
                said, complaints = await _heard(process)
        except FileNotFoundError:
            raise OSError(f"the program {PROGRAM} is not installed on this machine") from None
        if process.returncode == 0:
            return said
        if process.returncode == 23 and _MISSING.search(complaints):
            raise FileNotFoundError(_reason(complaints, process.returncode))
        raise OSError(_reason(complaints, process.returncode))

    def _surroundings(self) -> Mapping[str, str]:
        """What rsync, and the ssh that it starts, see of our environment: none of our secrets but the one it needs."""
        own = {name: value for name, value in self.surroundings.items() if name in _KEPT_SURROUNDINGS}
        password = {} if self.place.password is None else {"RSYNC_PASSWORD": self.place.password.reveal()}
        return {"RSYNC_RSH": _SSH, **own, "LC_ALL": "C", **password}


def _mark(version: Version) -> str:
    """Name what *version* holds, whatever its number."""
    told = "".join(f"{name} {kept.digest}\n" for name, kept in sorted(version.files.items()))
    return sha256(told.encode()).hexdigest()[:16]


@asynccontextmanager
async def _skeleton(name: str) -> AsyncIterator[Path]:
    """A directory that holds nothing but the link to the version *name*, and room for versions."""

    def made() -> Path:
        path = Path(mkdtemp(prefix="mirror-"))
        path.chmod(0o755)
        (path / VERSIONS).mkdir(mode=0o755)
        (path / CURRENT).symlink_to(f"{VERSIONS}/{name}")
        return path

    path = await asyncio.to_thread(made)
    try:
        yield path
    finally:
        rmtree(path, ignore_errors=True)  # three names, and nothing to wait for: we may be on our way out


async def _heard(process: Process) -> tuple[str, str]:
    said, complaints, _ = await asyncio.gather(_read(process.stdout), _read(process.stderr), process.wait())
    return said, complaints


async def _read(stream: asyncio.StreamReader | None) -> str:
    """All that comes, of which the beginning is kept."""
    kept = bytearray()
    while stream is not None and (piece := await stream.read(1 << 16)):
        kept += piece[: MOST_SAID - len(kept)]
    return kept.decode(errors="replace")


def _reason(complaints: str, code: int | None) -> str:
    """The one line of what rsync, or its ssh, complained of that says most."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("rsync error:", "rsync: connection unexpectedly", "Warning:"))]
    return (told or lines or [f"rsync ended with code {code} and said nothing"])[0][:300]
