"""All known errors that the desk works with: the file's, which customers read too, and its own, which it alone does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from statuspage.picture.known_errors import KnownError, KnownErrorView, spoken
from statuspage.store.engine import Store
from statuspage.store.knowledge import Written, written_errors


@dataclass(slots=True, kw_only=True)
class Knowledge:
    """*named* gives those of the file, the same value as long as it is the same file; *language* the desk's own.

    What is put together is kept until either side changes: there may be thousands.
    """

    store: Store
    named: Callable[[], Sequence[KnownError]]
    language: Callable[[], str]
    written: Sequence[Written] = ()
    _kept: tuple[Sequence[KnownError], Sequence[Written], Sequence[KnownError], Sequence[KnownErrorView]] | None = field(default=None)

    async def renew(self) -> None:
        """Read what the desk has written. Errors: StoreUnavailable."""
        self.written = await self.store.read(written_errors)

    def errors(self) -> Sequence[KnownError]:
        """All of them, the desk's own first: they are the newest."""
        return self._whole()[0]

    def views(self) -> Sequence[KnownErrorView]:
        """The same in the desk's language."""
        return self._whole()[1]

    def _whole(self) -> tuple[Sequence[KnownError], Sequence[KnownErrorView]]:
        named, written = self.named(), self.written
        if self._kept is None or self._kept[0] is not named or self._kept[1] is not written:
            language = self.language()
            both = (*(_known(one, language) for one in written), *named)
            self._kept = (named, written, both, spoken(both, language))
        return self._kept[2:]


def _known(written: Written, language: str) -> KnownError:
    return KnownError(
        id=written.id,
        services=written.services,
        symptom={language: written.symptom},
        workaround={language: written.workaround},
        say={language: written.say} if written.say else {},
    )
