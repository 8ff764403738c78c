"""A mail address as somebody typed it, read strictly: what is taken can stand in a header, in an envelope and in a link."""

import re

from probes.settings import host
from statuspage.picture.marking import marked

LONGEST = 254
"""Characters that an address may have (RFC 5321, section 4.5.3.1, as corrected)."""

_LONGEST_NAME = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_NAME = re.compile(rf"{_ATOM}(\.{_ATOM})*")


class NoMailbox(Exception):
    """What was typed is no address that we can write to; the message is a sentence for whoever typed it, marked for the catalogues."""


def mailbox(typed: str) -> str:
    """The address in the form in which mail is sent to it: its domain in ASCII (IDNA) and small letters. Errors: NoMailbox."""
    text = typed.strip()
    name, at, domain = text.rpartition("@")
    if not at:
        raise NoMailbox(marked("An address has a name, an @ and a domain, such as anna@example.org."))
    if len(text) > LONGEST or len(name) > _LONGEST_NAME:
        raise NoMailbox(marked("This is longer than an address can be."))
    if not name.isascii():
        raise NoMailbox(marked("Before the @ we can only write to letters without accents, digits and the usual signs."))
    if not _NAME.fullmatch(name):
        raise NoMailbox(marked("What stands before the @ is not the name of a mailbox."))
    try:
        known = host(domain).lower()
    except ValueError:
        known = ""
    if "." not in known.strip(".") or known.endswith(".") or not known.rpartition(".")[2][:1].isalpha():
        raise NoMailbox(marked("What stands after the @ is not the name of a mail domain."))
    if len(name) + 1 + len(known) > LONGEST:
        raise NoMailbox(marked("This is longer than an address can be."))
    return f"{name}@{known}"
