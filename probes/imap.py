"""A mailbox that can be read: greeting, encryption, login, a look at the mailbox (RFC 3501, 9051)."""

import base64
import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import chain

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.lines import TOTAL, Stream
from probes.mail import MailServer, encoded, encrypt, part, password_of, reach, target, typed
from probes.result import Failure
from probes.settings import Line
from probes.text import excerpt

_LITERAL = re.compile(rb"\{([0-9]{1,10})\+?\}$")
_ENDING = re.compile(rb"(OK|NO|BAD|BYE)(?: (?:\[([A-Z][A-Z0-9-]*)[^\]]*\] ?)?(.*))?", re.DOTALL | re.IGNORECASE)
_WORDS = re.compile(rb"[A-Z0-9*]+ (OK|NO|BAD|BYE|PREAUTH) ", re.IGNORECASE)
"""Responses that end in words for people, where braces announce nothing."""
_EXISTS = re.compile(rb"\* ([0-9]{1,10}) EXISTS", re.IGNORECASE)
_QUOTABLE = re.compile(r"[\x20-\x7e]*")
_MOST_RESPONSES = 1000
_MOST_LITERALS = 20
_OFFERED = re.compile(rb"\[CAPABILITY ([^\]]*)\]", re.IGNORECASE)
_UNAVAILABLE = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN", "PRIVACYREQUIRED"})
"""Response codes (RFC 5530) by which a NO to LOGIN is not about our name and password."""
_REJECTED = frozenset({"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED"})
"""Response codes that are about our name and password, also where the server ends the session at once."""


_REFUSALS = {"NO": Failure.REJECTED, "BAD": Failure.PROTOCOL, "BYE": Failure.CLOSED}


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended: OK, NO or BAD, with its response code (upper case, or empty) and words; and what came before, untagged.

    BYE stands for a server that ends the session instead.
    """

    status: str
    code: str
    text: bytes
    untagged: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{self.status} {excerpt(self.text, 150)}"


@dataclass(slots=True)
class Imap:
    """One dialogue. Every step raises ProbeFailed where the server does not go along: REJECTED for NO, PROTOCOL for BAD.

    *capabilities* is what the server said last that it can do; nothing where a login has outdated it and told nothing new.
    """

    stream: Stream
    attempt: Attempt
    capabilities: frozenset[str] = frozenset()
    is_preauthenticated: bool = False
    _count: int = field(default=0)

    async def greet(self) -> None:
        """Hear the greeting: OK, PREAUTH, or BYE, which turns us away for now."""
        with self.attempt.phase("greeting"):
            line = await self._response()
            word = line[2:].split(b" ", 1)[0].upper() if line.startswith(b"* ") else b""
            if word == b"BYE":
                raise ProbeFailed(Failure.DEFERRED, f"the server greets with {excerpt(line)}")
            if word not in (b"OK", b"PREAUTH"):
                raise ProbeFailed(Failure.PROTOCOL, f"not IMAP: {excerpt(line)}")
            self.is_preauthenticated = word == b"PREAUTH"

    async def learn(self) -> None:
        """Ask what the server can do."""
        with self.attempt.phase("capability"):
            self.capabilities = _offered(await self.command("CAPABILITY"))

    async def begin_tls(self) -> str | None:
        """Ask for encryption; return the refusal, if there is one."""
        answer = await self._ask("STARTTLS")
        if answer.status == "BYE":
            _wanted(answer)
        return None if answer.status == "OK" else str(answer)

    async def log_in(self, name: str, password: str) -> None:
        """Show *name* and *password*, by LOGIN or, where that is disabled, by AUTHENTICATE PLAIN (RFC 3501 section 6.2, RFC 4616)."""
        if "LOGINDISABLED" not in self.capabilities:
            answer = await self._ask("LOGIN", name, password)
        elif "AUTH=PLAIN" in self.capabilities:
            answer = await self._authenticate(encoded(f"\0{name}\0{password}"))
        else:
            raise ProbeFailed(Failure.AUTH_UNAVAILABLE, "the server takes no LOGIN on this connection, nor AUTHENTICATE PLAIN")
        _judge_auth(answer)
        self.capabilities = _offered(answer)

    async def _authenticate(self, payload: str) -> Answer:
        if "SASL-IR" in self.capabilities:
            return await self._say("AUTHENTICATE PLAIN ***", [f"AUTHENTICATE PLAIN {payload}\r\n".encode()])
        return await self._say("AUTHENTICATE PLAIN", [b"AUTHENTICATE PLAIN\r\n", f"{payload}\r\n".encode()])

    async def open(self, mailbox: str, *, read_only: bool) -> int:
        """Select a mailbox and return how many messages it holds."""
        answer = await self.command("EXAMINE" if read_only else "SELECT", mailbox_name(mailbox))
        counts = [int(matched[1]) for line in answer.untagged if (matched := _EXISTS.fullmatch(line))]
        if not counts:
            raise ProbeFailed(Failure.PROTOCOL, "the server does not say how many messages the mailbox holds")
        return counts[-1]

    async def leave(self) -> None:
        """Say LOGOUT."""
        await part(self.stream, self.command("LOGOUT"), self.attempt)

    async def command(self, name: str, *arguments: str) -> Answer:
        """Give a command of ours whose *arguments* are sent as strings, and return what came back."""
        return _wanted(await self._ask(name, *arguments))

    def _ask(self, name: str, *arguments: str) -> Awaitable[Answer]:
        if not arguments:
            return self._say(name, [name.encode() + b"\r\n"], is_leaving=name == "LOGOUT")
        shown = " ".join([name, *("***" if name == "LOGIN" else _quoted(each) for each in arguments)])
        return self._say(shown, _pieces(name, arguments))

    def _say(self, shown: str, pieces: list[bytes], *, is_leaving: bool = False) -> Awaitable[Answer]:
        """Give a command under a new tag: its first piece now, each other one when the server says that it is ready for it."""
        self._count += 1
        beginning = f"P{self._count:04} "
        self.attempt.sent(beginning + shown)
        self.stream.write(beginning.encode() + pieces[0])
        return self._answer(beginning.encode(), pieces[1:], is_leaving=is_leaving)

    async def _answer(self, beginning: bytes, later: list[bytes], *, is_leaving: bool) -> Answer:
        untagged: list[bytes] = []
        while len(untagged) < _MOST_RESPONSES:
            line = await self._response()
            if line.startswith(beginning):
                answer = _answer_of(line[len(beginning) :], untagged)
                if later and answer.status == "OK":
                    raise ProbeFailed(Failure.PROTOCOL, f"the server answers before it has heard all: {answer}")
                return answer
            if line.startswith(b"+") and later:
                self.stream.write(later.pop(0))
                continue
            if not line.startswith(b"* "):
                raise ProbeFailed(Failure.PROTOCOL, f"not IMAP: {excerpt(line)}")
            if line[2:5].upper() == b"BYE" and not is_leaving:
                return _answer_of(line[2:], untagged)
            untagged.append(line)
        raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_RESPONSES} responses to one command")

    async def _response(self) -> bytes:
        """Read one response with the literals inside it; the connection's cap on what is read holds for them too."""
        whole = b""
        for _ in range(_MOST_LITERALS + 1):
            line = await self.stream.line()
            self.attempt.received(line)
            whole = whole + line if whole else line
            matched = _LITERAL.search(line) if line.endswith(b"}") else None
            if matched is None or _WORDS.match(whole):
                return whole
            size = int(matched[1])
            if size > TOTAL:
                raise ProbeFailed(Failure.TOO_LARGE, f"a literal of {size} bytes is announced")
            whole += b"\r\n" + await self.stream.exactly(size)
        raise ProbeFailed(Failure.TOO_LARGE, f"more than {_MOST_LITERALS} literals in one response")


def _answer_of(ending: bytes, untagged: list[bytes]) -> Answer:
    """Read how a command ended, from behind its tag."""
    matched = _ENDING.fullmatch(ending)
    if matched is None:
        raise ProbeFailed(Failure.PROTOCOL, f"not the end of a command: {excerpt(ending)}")
    status, code = matched[1].decode().upper(), matched[2].decode().upper() if matched[2] else ""
    return Answer(status, code, ending[len(status) + 1 :], tuple(untagged))


def _wanted(answer: Answer) -> Answer:
    if answer.status == "OK":
        return answer
    raise ProbeFailed(_REFUSALS[answer.status], str(answer))


def _judge_auth(answer: Answer) -> None:
    """Tell our password from the service (RFC 5530): a plain NO is about us, some codes say that it is about them."""
    if answer.code in _UNAVAILABLE and answer.status in ("NO", "BYE"):
        raise ProbeFailed(Failure.AUTH_UNAVAILABLE, str(answer))
    if answer.status == "NO" or (answer.status == "BYE" and answer.code in _REJECTED):
        raise ProbeFailed(Failure.AUTH_REJECTED, str(answer))
    _wanted(answer)


def _offered(answer: Answer) -> frozenset[str]:
    """What *answer* says, beside it or in its code, that the server can do."""
    beside = (line[len(b"* CAPABILITY ") :] for line in answer.untagged if line.upper().startswith(b"* CAPABILITY "))
    within = _OFFERED.findall(answer.text) if answer.code == "CAPABILITY" else ()
    return frozenset(b" ".join(chain(beside, within)).decode("ascii", "replace").upper().split())


def _pieces(name: str, arguments: tuple[str, ...]) -> list[bytes]:
    """Spell a command. What a quoted string cannot hold is a literal, which begins a new piece (RFC 3501 section 4.3)."""
    pieces, last = [], name.encode()
    for argument in arguments:
        if _QUOTABLE.fullmatch(argument):
            last += b" " + _quoted(argument).encode()
        else:
            octets = argument.encode()
            pieces.append(last + b" {%d}\r\n" % len(octets))
            last = octets
    return [*pieces, last + b"\r\n"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def mailbox_name(name: str) -> str:
    """Spell a mailbox's name the way it goes over the wire (RFC 3501 section 5.1.3, modified UTF-7)."""
    return re.sub(r"&|[^\x20-\x7e]+", _shifted, name)


def _shifted(matched: re.Match[str]) -> str:
    if matched[0] == "&":
        return "&-"
    octets = base64.b64encode(matched[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
    return f"&{octets.decode()}-"


class Settings(MailServer):
    """A server, and with a login the *mailbox* that is looked at without changing it."""

    mailbox: Line = "INBOX"


async def welcomed(settings: MailServer, stream: Stream, door: Door, attempt: Attempt) -> Imap:
    """Go from the greeting through encryption and login, as far as there is one."""
    dialogue = Imap(stream, attempt)
    await dialogue.greet()
    await dialogue.learn()
    is_offered = "STARTTLS" in dialogue.capabilities and not dialogue.is_preauthenticated
    if await encrypt(stream, settings, door, attempt, is_offered=is_offered, begin=dialogue.begin_tls):
        await dialogue.learn()
    if settings.login is not None and not dialogue.is_preauthenticated:
        with attempt.phase("auth"):
            await dialogue.log_in(settings.login.user, password_of(settings.login, settings, stream, attempt))
    return dialogue


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Log in where there is a login, count the mailbox's messages, log out."""
    with await reach(settings, door, attempt) as stream:
        dialogue = await welcomed(settings, stream, door, attempt)
        if settings.login is not None:
            with attempt.phase("select"):
                attempt.fact("messages", await dialogue.open(settings.mailbox, read_only=True))
        await dialogue.leave()


KIND = ProbeKind(
    name="imap", summary="A mailbox can be read", settings=Settings, measure=measure, target=target, ad_hoc=typed(Settings, 143)
)
