"""The mailbox of a round trip: finds messages of the probe's own by IMAP, proves that they are its own, and deletes those alone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from probes.attempt import ProbeFailed
from probes.imap import Imap
from probes.result import Failure
from probes.text import excerpt

OWNER = "X-Statuspage-Probe"
TOKEN = "X-Statuspage-Token"  # noqa: S105  the name of a header
_LEFTOVER = timedelta(hours=1)
_MOST_FOUND = 50
_SEARCHED = re.compile(rb"\* SEARCH((?: [0-9]{1,10})*) ?", re.IGNORECASE)
_UID = re.compile(rb"[( ]UID ([0-9]{1,10})[ )]", re.IGNORECASE)
_DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RECEIVED = re.compile(rb'INTERNALDATE "([^"]{1,40})"', re.IGNORECASE)


def token(now: datetime, random: str) -> str:
    """Make the mark of one message: when it was sent, and *random* hexadecimal digits that no other message has."""
    return f"{int(now.timestamp()):08x}{random}"


def sent_at(mark: str) -> datetime:
    """Return when the message marked so was sent, by the clock of the probe that sent it. A mark that is none of ours gives 1970."""
    return datetime.fromtimestamp(int(mark[:8], 16) if len(mark) > 8 else 0, UTC)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of ours as the mailbox holds it; *received_at* is by the mail server's clock."""

    folder: str
    uid: int
    token: str
    received_at: datetime


@dataclass(slots=True)
class Mailbox:
    """The reading side. It asks for messages that carry *owner* or a token, and reads nothing of them but these two headers.

    *lacks_junk* says that there is no junk folder now, *keeps_marked* that messages could only be marked as deleted.
    """

    dialogue: Imap
    owner: str
    inbox: str
    junk: str | None
    lacks_junk: bool = False
    keeps_marked: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Where to look, in this order."""
        return (self.inbox,) if self.junk is None else (self.inbox, self.junk)

    async def find(self, mark: str) -> list[Letter]:
        """Return every message that carries exactly the token *mark*, those in the inbox first."""
        found = [await self._search(folder, TOKEN, mark) for folder in self.folders]
        return [letter for letters in found for letter in letters if letter.token == mark]

    async def delete(self, letters: Sequence[Letter]) -> None:
        """Delete *letters* for good, and never what others marked as deleted."""
        for folder in self.folders:
            ours = {letter.uid for letter in letters if letter.folder == folder}
            if ours and await self._can_open(folder):
                await self._delete_here(ours)

    async def sweep(self, now: datetime, longest: timedelta) -> int:
        """Delete what earlier runs of this monitor left behind; return how many there were.

        A message is taken for that when it is over an hour, and over *longest* (what a run may take), older than *now* both by the
        server's clock and by that of the probe that sent it: where one of them is wrong, nothing is taken from a run under way.
        """
        before = now - max(_LEFTOVER, longest)
        found = [await self._search(folder, OWNER, self.owner) for folder in self.folders]
        leftovers = [each for letters in found for each in letters if each.received_at < before and sent_at(each.token) < before]
        await self.delete(leftovers)
        return len(leftovers)

    async def _delete_here(self, uids: set[int]) -> None:
        numbers = ",".join(str(uid) for uid in sorted(uids))
        await self.dialogue.command(rf"UID STORE {numbers} +FLAGS.SILENT (\Deleted)")
        if "UIDPLUS" in self.dialogue.capabilities:
            await self.dialogue.command(f"UID EXPUNGE {numbers}")
        elif await self._uids("DELETED") <= uids:
            await self.dialogue.command("EXPUNGE")
        else:
            self.keeps_marked = True

    async def _can_open(self, folder: str) -> bool:
        """Select *folder* anew, since some servers show new messages only then. A junk folder may be made by its first message."""
        try:
            await self.dialogue.open(folder, read_only=False)
        except ProbeFailed as failed:
            if folder != self.junk or failed.failure is not Failure.REJECTED:
                raise
            self.lacks_junk = True
            return False
        if folder == self.junk:
            self.lacks_junk = False
        return True

    async def _search(self, folder: str, header: str, value: str) -> list[Letter]:
        if not await self._can_open(folder):
            return []
        found = sorted(await self._uids(f"HEADER {header} {value}"))[:_MOST_FOUND]
        if not found:
            return []
        numbers = ",".join(str(uid) for uid in found)
        fetched = await self.dialogue.command(f"UID FETCH {numbers} (UID INTERNALDATE BODY.PEEK[HEADER.FIELDS ({OWNER} {TOKEN})])")
        letters = (letter_of(line, self.owner, folder) for line in fetched.untagged)
        return [letter for letter in letters if letter is not None]

    async def _uids(self, criterion: str) -> set[int]:
        answer = await self.dialogue.command(f"UID SEARCH {criterion}")
        return {int(uid) for line in answer.untagged if (found := _SEARCHED.fullmatch(line)) for uid in found[1].split()}


def letter_of(response: bytes, owner: str, folder: str) -> Letter | None:
    """Read one FETCH response; None unless its headers say that the message is *owner*'s. Errors: ProbeFailed with PROTOCOL."""
    uid, received = _UID.search(response), _RECEIVED.search(response)
    head, _, headers = response.partition(b"}\r\n")
    if not head or uid is None or received is None or _header(headers, OWNER) != owner:
        return None
    return Letter(folder, int(uid[1]), _header(headers, TOKEN), instant(received[1]))


def instant(internal: bytes) -> datetime:
    """Read an IMAP date-time; its months are English whatever the locale (RFC 3501 section 9). Errors: ProbeFailed with PROTOCOL."""
    if (matched := _DATE.fullmatch(internal)) is None:
        raise ProbeFailed(Failure.PROTOCOL, f"not a date: {excerpt(internal)}")
    day, month, year, hour, minute, second, sign, *zone = (group.decode() for group in matched.groups())
    offset = timedelta(hours=int(zone[0]), minutes=int(zone[1])) * (-1 if sign == "-" else 1)
    try:
        return datetime(int(year), _MONTHS.index(month.title()) + 1, int(day), int(hour), int(minute), int(second), tzinfo=timezone(offset))
    except ValueError as error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a date: {excerpt(internal)}: {error}") from error


def _header(headers: bytes, name: str) -> str:
    matched = re.search(rb"^" + name.encode() + rb":[ \t]*([0-9a-f]{1,64})[ \t]*\r?$", headers, re.MULTILINE | re.IGNORECASE)
    return matched[1].decode() if matched else ""
