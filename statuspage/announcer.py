"""The program in which apprise runs: it judges URLs and sends announcements, in a process of its own.

Whatever a service answers, however long it takes, and whatever a plugin does with it, the hub loses no more than this process, which can
be ended. It is run as a file, imports apprise and nothing of the house, reads one JSON document and prints a line for each answer.
"""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TextIO

from apprise import Apprise, AppriseAsset, AppriseAttachment, NotifyFormat, NotifyType, OverflowMode, PersistentStoreMode
from apprise.conversion import convert_between
from apprise.manager_plugins import NotificationManager
from apprise.plugins import url_to_dict
from apprise.plugins.base import NotifyBase

ON_THIS_MACHINE = frozenset({"blink1", "dbus", "glib", "gio", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
"""Schemes that show a message on this very machine, by its programs and devices, and tell nobody elsewhere."""

FROM_FILES = frozenset({"fcm", "vapid"})
"""Schemes that need files of keys and subscriptions."""

NAMES_A_FILE = frozenset({"keyfile", "subfile", "template", "pgp", "pgppub", "pgpprv", "wkd"})
"""Options that have a plugin read, or make, files on this machine; ``template`` only where the service has none of its own."""

ALWAYS_MARKED = frozenset({"discord", "fluxer", "guilded", "mmost", "mmosts", "nctalk", "nctalks", "revolt", "ryver", "zulip"})
"""Schemes whose services read Markdown also in what is sent as plain text."""

TITLE_IS_TOPIC = frozenset({"zulip"})

MOST_MEMORY = 256 << 20
"""Bytes of address space: a service that never ends its answer ends this process, and not the machine's patience."""

MOST_LETTERS = 8000
"""How long an announcement may be, however much a service takes: it is read in a chat, and told in full on the page."""

_URL = re.compile(r"https?://[^\s<>]+")
_MAIL = re.compile(r"[\w.+-]+@(?!(?:all|channel|everyone|here|room|team)\b)[\w-]+(?:\.[\w-]+)+", re.IGNORECASE)
_MEANS_SOMETHING = re.compile(r"@|<(?=\S)|\](?=[(\[:])")
_MARKUP = re.compile(r"([\\`*_\[\]()~<>#|])")
_STATUS = re.compile(r"\berror=(\d{3})\b")
_APART = "\u200b"  # a space of no width: seen by nobody, and what it stands in is no word to a program


# --- what is asked of it --------------------------------------------------------------------------------------------------------


def main() -> None:
    """Answer the document on the standard input."""
    answers = _own_output()
    _hold_back()
    asked = json.load(sys.stdin)
    if (within := asked.get("within")) is not None:
        _end_after(within)
    match asked:
        case {"judge": [*urls]}:
            for url in urls:
                _answer(answers, objection(url))
        case {"url": str(url), "site": str(site), "home": str(home), "messages": [*messages]}:
            plugin = service_of(url, site, home)
            for message in messages:
                _answer(answers, told(plugin, message) if plugin is not None else "apprise does not take this URL any more")
        case _:
            raise ValueError("not a document that is understood here")


def _answer(answers: TextIO, fault: str | None) -> None:
    answers.write(json.dumps({"fault": fault}) + "\n")
    answers.flush()


def _own_output() -> TextIO:
    """The standard output for ourselves: what a plugin prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _hold_back() -> None:
    """Take little of the machine, and nobody's turn."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_after(seconds: float) -> None:
    """End by itself where nobody is there any more to end it."""
    timer = threading.Timer(seconds, os._exit, (3,))
    timer.daemon = True
    timer.start()


# --- which URLs are taken -------------------------------------------------------------------------------------------------------


def objection(url: str) -> str | None:
    """Why *url* cannot be used, with what to write instead; None where it can. What it holds is not quoted, beyond its scheme."""
    scheme, found, _ = url.partition("://")
    known = NotificationManager()
    if not found or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,30}", scheme):
        return "is no apprise URL: it begins with a scheme, such as slack:// or mailto://"
    scheme = scheme.lower()
    if (fault := _forbidden(scheme)) is not None:
        return fault
    parts = url_to_dict(url)
    if parts is None:
        return _unknown(scheme, known) if scheme not in known else _ill_formed(scheme, known[scheme])
    if (fault := _forbidden(str(parts["schema"]))) is not None:
        return fault
    kind = known[parts["schema"]]
    if not kind.enabled:
        return f"apprise's {kind.service_name} needs what is not installed here: {_needed(kind)}"
    plugin = _instance(url, _asset("", ""))
    if plugin is None:
        return _ill_formed(str(parts["schema"]), kind)
    if names := _read_files(plugin, parts):
        return "has files on this machine read or made; leave out " + ", ".join(names)
    if len(plugin) > 1:
        return f"leads to {len(plugin)} recipients; write an entry for each, so that each has a record of its own"
    return None


def _forbidden(scheme: str) -> str | None:
    if scheme in ON_THIS_MACHINE:
        return f"{scheme}:// shows messages on this machine and tells nobody elsewhere; choose a service that people read"
    if scheme in FROM_FILES:
        return f"{scheme}:// lives on files of keys and subscriptions, which no announcement reads; choose another service"
    return None


def _unknown(scheme: str, known: NotificationManager) -> str:
    if scheme in {"http", "https"}:
        return (
            "is the address of no service that apprise knows; write its apprise URL, or json:// (jsons:// by TLS) for a server of your own"
        )
    if scheme == "file":
        return "file:// leads to a file on this machine, where nobody is told; choose a service that people read"
    near = get_close_matches(scheme, sorted(known.schemas()), n=1)
    return f"apprise knows no service {scheme}://" + (f"; did you mean {near[0]}://?" if near else "; see https://appriseit.com/services")


def _ill_formed(scheme: str, kind: type[NotifyBase]) -> str:
    return f"apprise cannot read it as a URL of {kind.service_name}; how {scheme}:// is written: {kind.setup_url}"


def _needed(kind: type[NotifyBase]) -> str:
    named = kind.requirements.get("packages_required") or []
    return ", ".join([named] if isinstance(named, str) else named) or f"see {kind.setup_url}"


def _read_files(plugin: NotifyBase, parts: Mapping[str, Any]) -> Sequence[str]:
    """The options of a URL that have *plugin* read or make files."""
    holds_any = any(isinstance(value, AppriseAttachment) and len(value) for value in vars(plugin).values())
    return sorted(set(parts.get("qsd") or ()) & (NAMES_A_FILE if holds_any else NAMES_A_FILE - {"template"}))


# --- one service ----------------------------------------------------------------------------------------------------------------


def service_of(url: str, site: str, home: str) -> NotifyBase | None:
    """What sends to *url* in the name of *site*, whose page is at *home*; None where it may not be used."""
    return None if objection(url) is not None else _instance(url, _asset(site, home))


def _asset(site: str, home: str) -> AppriseAsset:
    return AppriseAsset(
        app_id="statuspage",
        app_desc=site,
        app_url=home,
        image_url_mask="",  # no message loads a picture from somebody else's server
        image_url_logo="",
        async_mode=False,
        interpret_emojis=False,
        interpret_escapes=False,
        allow_templates=False,
        http_redirects=False,
        storage_mode=PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
        service_timeout=0,
    )


def _instance(url: str, asset: AppriseAsset) -> NotifyBase | None:
    plugin = Apprise.instantiate(url, asset=asset)
    if plugin is not None:
        # Options of a URL that would make a failure look like a success, or hold us up: we try again by ourselves.
        plugin.optional, plugin.retry, plugin.redirects = False, 0, False
        plugin.overflow_mode = OverflowMode.TRUNCATE
    return plugin


def told(plugin: NotifyBase, message: Mapping[str, str]) -> str | None:
    """Send *message*; return None where the service took it, else why not, in words that hold nothing of the URL."""
    ears = _Ears()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [ears], False
    title, body, form = fitted(plugin, message)
    try:
        if plugin.notify(body=body, title=title, notify_type=NotifyType(message["tone"]), body_format=form):
            return None
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises may quote the URL; its kind alone is told
        return f"apprise's {plugin.service_name} broke: {type(error).__name__}"
    return ears.reason()


class _Ears(logging.Handler):
    """Listens to what apprise says of a failure, and keeps the service's status alone: the rest may quote the URL."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Hear one line."""
        self._said.append(record.getMessage())

    def reason(self) -> str:
        """Why it failed, as far as it can be told."""
        said = "\n".join(self._said)
        if (status := _STATUS.search(said)) is not None:
            return f"status {status[1]}"
        return "the service cannot be reached" if re.search(r"connection|socket|timed? ?out", said, re.IGNORECASE) else "it was not taken"


# --- how it is written ----------------------------------------------------------------------------------------------------------


def fitted(plugin: NotifyBase, message: Mapping[str, str]) -> tuple[str, str, NotifyFormat]:
    """Title, body and format of *message* as the service takes it. What is too long loses words, and never the link at its end."""
    form = plugin.resolve_format(NotifyFormat.TEXT)
    schemes = set(plugin.schemas())
    is_marked = form is NotifyFormat.MARKDOWN or bool(schemes & ALWAYS_MARKED)
    head, words = harmless(message["title"]), harmless(message["words"])
    has_title = plugin.title_maxlen > 0 and (not is_marked or bool(schemes & TITLE_IS_TOPIC))
    title, head = (head, "") if has_title else ("", head)
    given = NotifyFormat.MARKDOWN if form is NotifyFormat.MARKDOWN else NotifyFormat.TEXT
    between = " " if plugin.body_max_line_count else "\n\n"  # a few services show a line or two
    for kept in _ever_shorter(" ".join(words.split()) if plugin.body_max_line_count else words):
        body = between.join(part for part in _spelled(head, kept, message["link"], is_marked=is_marked) if part)
        written = convert_between(given, form, body)
        if max(len(written), len(plugin.dialect_convert(written, form))) <= _room(plugin, title):
            return title, body, given
    return title, message["link"], given


def _room(plugin: NotifyBase, title: str) -> int:
    """How long a body may be beside *title*: some services count both together."""
    beside = min(len(title) + plugin.overflow_max_display_count_width, plugin.title_maxlen) if plugin.overflow_amalgamate_title else 0
    return min(plugin.body_maxlen - plugin.overflow_buffer - beside, MOST_LETTERS)


def _ever_shorter(words: str) -> Iterator[str]:
    yield words
    kept = len(words)
    while kept > 20:
        kept = kept * 9 // 10
        yield words[:kept].rstrip() + " …"
    yield ""


def _spelled(head: str, words: str, link: str, *, is_marked: bool) -> tuple[str, str, str]:
    if not is_marked:
        return head, words, link
    return f"**{marked(head)}**" if head else "", marked(words), f"<{link}>"


def harmless(text: str) -> str:
    """*text* in which nothing calls people, makes a link look like another, or begins a tag, whatever service reads it.

    A space of no width stands behind each sign that could. Addresses of mail and of pages stay whole.
    """
    return "".join(
        part.replace("@", "%40") if is_url else _quiet(part) for part, is_url in _parts(text, _URL)
    )  # an @ in an address of a page, too, is a call to some


def _quiet(text: str) -> str:
    return "".join(part if is_mail else _MEANS_SOMETHING.sub(rf"\g<0>{_APART}", part) for part, is_mail in _parts(text, _MAIL))


def marked(text: str) -> str:
    """*text* as Markdown that shows it as it is; its addresses of pages are links."""
    return "".join(f"<{part}>" if is_url else _MARKUP.sub(r"\\\1", part).replace("\n", "  \n") for part, is_url in _parts(text, _URL))


def _parts(text: str, pattern: re.Pattern[str]) -> Sequence[tuple[str, bool]]:
    """*text* in pieces, each with whether *pattern* found it."""
    pieces, last = list[tuple[str, bool]](), 0
    for found in pattern.finditer(text):
        pieces += [(text[last : found.start()], False), (found[0], True)]
        last = found.end()
    return [*pieces, (text[last:], False)]


if __name__ == "__main__":
    main()
