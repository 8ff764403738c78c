"""Advisories as the desk reads them: in the list, on the queue, and beside an incident that hits what they warn of."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incidents.advisory import AdvisoryStage
from incidents.words import said
from statuspage.picture import board
from statuspage.picture.advisories import Bulletin
from statuspage.store.advisory_rows import read_bulletins
from statuspage.web.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisoryRow:
    """An advisory in a list; *say* is what a caller may be told, *services* are named as customers know them."""

    id: str
    name: str
    stage: AdvisoryStage
    is_notice: bool
    services: tuple[str, ...]
    concerns: frozenset[str]
    starts: datetime
    ends: datetime | None
    ended_at: datetime | None
    published_by: str
    say: str


def row(desk: Desk, bulletin: Bulletin) -> AdvisoryRow:
    """An advisory as the desk reads it."""
    one, situation = bulletin.advisory, desk.pipeline.situation
    told = (text for update in reversed(bulletin.updates) if (text := said(update.body, desk.language)))
    return AdvisoryRow(
        id=one.id,
        name=said(one.name, desk.language),
        stage=one.stage(desk.now()),
        is_notice=one.is_notice,
        services=tuple(board.service_name(situation, id_, desk.language) for id_ in one.services),
        concerns=frozenset(one.services),
        starts=one.starts,
        ends=one.ends,
        ended_at=one.ended_at,
        published_by=one.published_by,
        say=next(told, ""),
    )


def rows(desk: Desk, bulletins: Iterable[Bulletin]) -> Sequence[AdvisoryRow]:
    """The same of several, by their start."""
    return sorted((row(desk, one) for one in bulletins), key=lambda one: (one.starts, one.id))


async def lasting(desk: Desk) -> Sequence[AdvisoryRow]:
    """Those that are not over; where there is none, the store is not asked."""
    ids = desk.pipeline.situation.advisories.keys()
    return rows(desk, await desk.store.read(lambda connection: read_bulletins(connection, ids)) if ids else ())


def about(some: Iterable[AdvisoryRow], services: Collection[str]) -> Sequence[AdvisoryRow]:
    """Those that are in force and warn of any of *services*."""
    return [one for one in some if one.stage is AdvisoryStage.IN_FORCE and not one.concerns.isdisjoint(services)]
