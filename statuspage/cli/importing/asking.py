"""Asking a page for its documents: through the egress door, patiently where it asks for patience, and never without end."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from probes import http
from probes.attempt import Attempt
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.text import plain
from probes.wire.http1 import Response, place
from statuspage.cli.importing.documents import Row, read, rows, text
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.told import MEND, page_of

API = "/api/v2/"

TIMEOUT = 30.0
"""Seconds for one document."""

MOST_BYTES = 4 * 1024 * 1024
"""Of one document; fifty incidents with a hundred updates each take less than two."""

MOST_TOGETHER = 256 * 1024 * 1024
"""Of all documents: more would fill the memory of a small machine."""

MOST_PAGES = 200
"""Fifty incidents each."""

LONGEST_WAIT = 60
"""Seconds that we wait where a page asks us to come back later; past it the operator decides."""

PATIENCE = 3
"""Times that we come back for one document."""

_FULL = 50
"""Rows of a page that is followed by another."""

_NOT_THEIRS = "nothing is read from what may be somebody else's page: have its certificate mended, or its authority known to this machine"
_MENDS = {
    Failure.DNS: "see whether the name is written as it should be",
    Failure.TLS_EXPIRED: _NOT_THEIRS,
    Failure.TLS_WRONG_HOST: _NOT_THEIRS,
    Failure.TLS_UNTRUSTED: _NOT_THEIRS,
    Failure.BLOCKED: "a redirect may lead to public addresses only, and to `egress.allow`: give the address that it leads to",
    Failure.TIMEOUT: "try again later, or from a machine that is nearer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What a page answered. *is_whole* unless it stopped at the newest and gave no older ones."""

    page: tuple[str, str, str]
    components: object
    incidents: Sequence[Row]
    windows: Sequence[Row]
    is_whole: bool


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks the page at *base*, each document for *timeout* seconds, all for *most_together* bytes at most; *progress* hears of each."""

    base: str
    door: Door
    progress: Callable[[str], None]
    timeout: float = TIMEOUT
    most_together: int = MOST_TOGETHER
    _answers: list[Response] = field(default_factory=list)
    _read: int = 0

    async def everything(self) -> Documents:
        """Ask for all that the page tells. Errors: CannotImport."""
        summary = await self._document("summary.json")
        page = page_of(summary, self._place("summary.json"))
        components = await self._document("components.json")
        incidents, has_all = await self._pages("incidents.json", "incidents")
        windows, has_every = await self._pages("scheduled-maintenances.json", "scheduled_maintenances")
        return Documents(page=page, components=components, incidents=incidents, windows=windows, is_whole=has_all and has_every)

    async def _pages(self, name: str, key: str) -> tuple[Sequence[Row], bool]:
        """Every row of a list, each once, and whether that is all: a page that does not turn its pages answers the same again."""
        found: dict[str, Row] = {}
        for number in range(1, MOST_PAGES + 1):
            path = name if number == 1 else f"{name}?page={number}"
            document = await self._document(path)
            if not isinstance(document, dict) or not isinstance(document.get(key), list):
                raise CannotImport(f"{self._place(path)}: it has no list of {key.replace('_', ' ')}. {MEND}")
            listed = list(rows(document[key]))
            new = {text(row.get("id")): row for row in listed if text(row.get("id")) not in found}
            found |= new
            if not new or len(listed) < _FULL:
                return tuple(found.values()), len(listed) < _FULL
        return tuple(found.values()), False

    async def _document(self, path: str) -> object:
        """One document. Errors: CannotImport."""
        where = self._place(path)
        response = await self._answer(where)
        for _ in range(PATIENCE):
            if response.status in {429, 503}:
                await self._wait(where, response)
                response = await self._answer(where)
        if response.status != 200:
            raise CannotImport(f"{where}: status {response.status}, and not 200. {_about(response)}")
        if response.is_truncated:
            raise CannotImport(f"{where}: longer than {MOST_BYTES} bytes: no status page answers so much")
        self._read += len(response.body)
        if self._read > self.most_together:
            raise CannotImport(f"{where}: with all before it longer than {self.most_together} bytes: no status page tells so much")
        document = read(response.body, where)
        self.progress(path)
        return document

    async def _answer(self, where: str) -> Response:
        self._answers.clear()
        result = await run(self._kind(), http.Settings(url=where, max_body=MOST_BYTES), door=self.door, timeout=self.timeout)
        if result.failure is not None:
            raise CannotImport(_spoken(where, result))
        return self._answers[-1]

    def _kind(self) -> ProbeKind[http.Settings]:
        async def measure(settings: http.Settings, door: Door, attempt: Attempt) -> None:
            self._answers.append(await http.answer(settings, door, attempt))

        return ProbeKind(name="import", summary="", settings=http.Settings, measure=measure, target=http.target)

    async def _wait(self, where: str, response: Response) -> None:
        asked = response.header("retry-after") or ""
        seconds = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 9 else 5
        if seconds > LONGEST_WAIT:
            raise CannotImport(f"{where}: it asks us to come back in {seconds} seconds. Run the same again then: nothing is imported twice")
        self.progress(f"waiting {seconds} s, as the page asks")
        await asyncio.sleep(seconds)

    def _place(self, path: str) -> str:
        return f"{self.base}{API}{path}"


def base_of(typed: str) -> str:
    """The stem of a page's addresses, whatever of it somebody *typed*. Errors: CannotImport with a sentence for people."""
    stem = typed.strip().partition("#")[0].partition("?")[0].partition(API.rstrip("/"))[0].rstrip("/")
    try:
        place(stem)
    except ValueError as error:
        raise CannotImport(f"{plain(typed, 200)}: {error}. {MEND}") from error
    return stem


def _about(response: Response) -> str:
    if response.status == 404:
        return f"There is no Statuspage. {MEND}"
    if response.status in {401, 403}:
        return "The page is not open to everybody; only a public page can be read."
    if response.status in {429, 503}:
        return "It still wants to be left alone: run the same again later, nothing is imported twice."
    return MEND


def _spoken(where: str, result: ProbeResult) -> str:
    stage = f" at {result.stage}" if result.stage else ""
    detail = f": {result.detail}" if result.detail else ""
    mend = _MENDS.get(result.failure) if result.failure is not None else None
    return f"{where}: {result.failure}{stage}{detail}" + (f". Mend: {mend}" if mend else "")
