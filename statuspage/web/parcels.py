"""What a reader of the public face asks for, and what is ready to be sent to them."""

from dataclasses import dataclass

from statuspage.render.finished import Finished


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished thing with its heads spelled, for each encoding and for a reader that has it already."""

    finished: Finished
    is_feed: bool
    plain: bytes
    gzipped: bytes
    plain_kept: bytes
    gzipped_kept: bytes


def weight(parcel: Parcel) -> int:
    """How many bytes it keeps."""
    return len(parcel.finished.body) + len(parcel.finished.gzipped)


@dataclass(frozen=True, slots=True)
class Place:
    """What is asked for: *path* as it was asked for, *rest* without the language that it names.

    *translation* is that language where it *is_addressed* so, else the reader's where that is another than the site's.
    """

    path: str
    rest: str
    translation: str | None
    is_addressed: bool

    @property
    def addressed(self) -> str:
        """Where it would stand if it was addressed."""
        return self.path if self.translation is None else f"/{self.translation}{self.rest}"
