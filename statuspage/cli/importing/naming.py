"""Names of ours for what is called otherwise elsewhere: ids, and environment variables for secrets; each is given once."""

import re

from statuspage.cli.importing.matching import slug

_OTHER = re.compile(r"[^A-Z0-9]+")


class Ids:
    """Gives out ids: made from names, and with a number where one is taken."""

    def __init__(self) -> None:
        """Start with none given."""
        self._given: set[str] = set()
        self._numbers: dict[str, int] = {}

    def new(self, name: str, otherwise: str) -> str:
        """A new id for *name*; of *otherwise* where no letter of it can stand in one."""
        stem = slug(name, otherwise)
        stem = stem if stem[0].isalpha() else f"{otherwise}-{stem}"
        id, number = stem, self._numbers.get(stem, 2)
        while id in self._given:
            id, number = f"{stem}-{number}", number + 1
        self._numbers[stem] = number
        self._given.add(id)
        return id


def variable(id: str, what: str) -> str:
    """The environment variable that takes the secret *what* of *id*."""
    return _OTHER.sub("_", f"{id}_{what}".upper())
