"""Advisories in the one picture: warnings without an outage, and notices, as the public may see them. Pure, like ``page``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.advisory import Advisory, AdvisoryStage, AdvisoryTurn, AdvisoryUpdate, ByLanguage
from statuspage.picture.marking import localised
from statuspage.picture.planned import ServiceTold

MOST_OVER = 50
"""Advisories that are over and stay at hand; the pages of older ones are made when somebody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """An advisory with its public words, oldest first."""

    advisory: Advisory
    updates: tuple[AdvisoryUpdate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A text for readers of a language, and the language that it is in; empty where that is theirs."""

    text: str
    language: str = ""

    def __str__(self) -> str:
        """The text alone."""
        return self.text

    @classmethod
    def of(cls, texts: ByLanguage, language: str) -> "Wording":
        """Choose as ``localised`` does."""
        text = localised(texts, language)
        found = next((code for code, one in texts.items() if one == text), language)
        return cls(text=text, language="" if found.partition("-")[0] == language.partition("-")[0] else found)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryUpdateView:
    """Public words, ready to be spelled, and from when until when it was to hold by them."""

    number: int
    turn: AdvisoryTurn
    body: Wording
    at: datetime
    starts: datetime
    ends: datetime | None
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryView:
    """An advisory as its readers see it; *updates* newest first. Nothing in it tells who published it."""

    id: str
    name: Wording
    is_notice: bool
    stage: AdvisoryStage
    services: tuple[ServiceTold, ...]
    starts: datetime
    ends: datetime | None
    published_at: datetime
    ended_at: datetime | None
    updates: tuple[AdvisoryUpdateView, ...]

    @property
    def is_over(self) -> bool:
        """Whether nobody need heed it any more."""
        return self.stage in {AdvisoryStage.OVER, AdvisoryStage.WITHDRAWN}

    @property
    def body(self) -> Wording:
        """The newest words that say anything."""
        return next((update.body for update in self.updates if update.body.text), Wording(text=""))

    @property
    def told_at(self) -> datetime:
        """When it was last spoken of, or ended."""
        return max(
            [self.published_at, *(update.edited_at or update.at for update in self.updates), *([self.ended_at] if self.ended_at else [])]
        )

    def concerns(self, service: str) -> bool:
        """Whether it warns of *service*."""
        return any(one.service == service for one in self.services)


def warned(
    bulletins: Sequence[Bulletin], now: datetime, language: str, named: Callable[[str], ServiceTold]
) -> tuple[tuple[AdvisoryView, ...], tuple[AdvisoryView, ...]]:
    """What readers of *language* see at *now*: those that hold or come, by their start, and those that are over, the last one first.

    *named* is what services are called.
    """
    views = [_view(bulletin, now, language, named) for bulletin in bulletins]
    lasting = sorted((one for one in views if not one.is_over), key=lambda one: (one.starts, one.id))
    over = sorted((one for one in views if one.is_over), key=lambda one: (-(one.ended_at or one.told_at).timestamp(), one.id))
    return tuple(lasting), tuple(over)


def _view(bulletin: Bulletin, now: datetime, language: str, named: Callable[[str], ServiceTold]) -> AdvisoryView:
    one = bulletin.advisory
    return AdvisoryView(
        id=one.id,
        name=Wording.of(one.name, language),
        is_notice=one.is_notice,
        stage=one.stage(now),
        services=tuple(named(service) for service in one.services),
        starts=one.starts,
        ends=one.ends,
        published_at=one.published_at,
        ended_at=one.ended_at,
        updates=tuple(
            AdvisoryUpdateView(
                number=said.number,
                turn=said.turn,
                body=Wording.of(said.body, language),
                at=said.at,
                starts=said.starts,
                ends=said.ends,
                edited_at=said.edited_at,
            )
            for said in reversed(bulletin.updates)
        ),
    )


def of_services(views: Sequence[AdvisoryView], services: Sequence[str]) -> tuple[AdvisoryView, ...]:
    """Those of *views* that warn of any of *services*."""
    return tuple(view for view in views if any(view.concerns(service) for service in services))


def in_force(views: Sequence[AdvisoryView], services: Sequence[str]) -> tuple[AdvisoryView, ...]:
    """Those that hold now: what is still to come has nothing to do with what is broken."""
    return tuple(view for view in of_services(views, services) if view.stage is AdvisoryStage.IN_FORCE)
