"""What the API takes and gives of advisories."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from incidents.advisory import AdvisoryStage, AdvisoryTurn, AdvisoryUpdate
from incidents.rewording import whole_digest
from statuspage.picture.advisories import Bulletin
from statuspage.web.bodies import Given, Instant, Taken
from statuspage.web.typed import Line, Words

Tag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Named = Line | Annotated[dict[Tag, Line], Field(min_length=1, max_length=20)]
Said = Words | Annotated[dict[Tag, Words], Field(min_length=1, max_length=20)]
"""A text in the site's own language, or one for each of several."""

Ids = Annotated[list[Line], Field(max_length=500)]


def by_language(text: str | Mapping[str, str] | None, own: str) -> Mapping[str, str]:
    """A text as it is kept; *own* is the language of what names none. Empty where there is none."""
    if text is None:
        return {}
    return {own: text} if isinstance(text, str) else dict(text)


class AdvisoryBody(Taken):
    """A warning for *services*, or without any a notice; it holds from now where *starts* is left out, and stays where *ends* is."""

    name: Named
    services: Ids = Field(default_factory=list)
    starts: Instant | None = None
    ends: Instant | None = None
    body: Said


class AdvisoryWordsBody(Taken):
    """More words about it."""

    body: Said


class AdvisoryMoveBody(Taken):
    """Other times: what is left out stays, and an *ends* of null leaves the end open."""

    starts: Instant | None = None
    ends: Instant | None = None
    body: Said | None = None


class AdvisoryWithdrawBody(Taken):
    """The last words, where there are any."""

    body: Said | None = None


class AdvisoryUpdateShown(Given):
    """Public words about an advisory, and from when until when it was to hold by them."""

    number: int
    turn: AdvisoryTurn
    body: dict[str, str]
    at: datetime
    by: str
    starts: datetime
    ends: datetime | None
    edited_at: datetime | None
    digest: str

    @classmethod
    def of(cls, said: AdvisoryUpdate) -> Self:
        """Show what was *said*."""
        return cls(
            number=said.number,
            turn=said.turn,
            body=dict(said.body),
            at=said.at,
            by=said.by,
            starts=said.starts,
            ends=said.ends,
            edited_at=said.edited_at,
            digest=whole_digest("", said.body),
        )


class AdvisoryShown(Given):
    """An advisory, or a notice, with its words, oldest first."""

    id: str
    name: dict[str, str]
    services: list[str]
    is_notice: bool
    status: AdvisoryStage
    starts: datetime
    ends: datetime | None
    published_at: datetime
    published_by: str
    ended_at: datetime | None
    withdrawn_by: str | None
    updates: list[AdvisoryUpdateShown]

    @classmethod
    def of(cls, bulletin: Bulletin, now: datetime) -> Self:
        """Show *bulletin* as it stands at *now*."""
        one = bulletin.advisory
        return cls(
            id=one.id,
            name=dict(one.name),
            services=list(one.services),
            is_notice=one.is_notice,
            status=one.stage(now),
            starts=one.starts,
            ends=one.ends,
            published_at=one.published_at,
            published_by=one.published_by,
            ended_at=one.ended_at,
            withdrawn_by=one.withdrawn_by,
            updates=[AdvisoryUpdateShown.of(said) for said in bulletin.updates],
        )


class AdvisoryList(Given):
    """Advisories and notices, the last published first."""

    items: list[AdvisoryShown]
    next: str | None
