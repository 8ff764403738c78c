"""Whose page it is, as the configuration says. Pure, like ``page``."""

from collections.abc import Mapping
from dataclasses import dataclass

from incidents.voices import IN_ENGLISH, Voices
from statuspage.picture.known_errors import KnownError


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Whose page it is. *url* has no trailing slash; *timezone* is an IANA name; *support* and *links* map kind to text.

    *languages* are those that it can be read in, *language*, which is the site's own, first; empty where it is the only one; *voices* say
    in them what is not as it was published. *takes_mail*
    where it writes to those who ask for it. All paths begin with *base* (*url* with it), and *logo* is one below it. What *is_main* takes
    subscriptions; one that *takes_answers* takes reports, and whether an update was useful. One that *is_private* is for nobody but its own
    readers.
    """

    name: str
    url: str
    timezone: str = "UTC"
    language: str = "en"
    languages: tuple[str, ...] = ()
    voices: Voices = IN_ENGLISH
    support: Mapping[str, str]
    links: Mapping[str, str]
    takes_mail: bool = False
    base: str = ""
    logo: str = ""
    is_main: bool = True
    takes_answers: bool = True
    is_private: bool = False
    known_errors: tuple[KnownError, ...] = ()
