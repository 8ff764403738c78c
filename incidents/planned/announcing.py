"""What the public is told of planned work. Titles stand alone in a feed reader; every instant is in UTC and says so."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from incidents.events import MaintenanceUpdated
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate
from incidents.voices import AT_THE_DESK, IN_ENGLISH, PLAIN, Say, Speech, Texts, Voice, Voices, in_each
from incidents.words import clock, said


def span(starts: datetime, ends: datetime, voice: Voice = AT_THE_DESK) -> str:
    """From when until when, in words."""
    begins, stops = f"{starts:%H:%M}", f"{ends:%H:%M}"
    first, last = _day(starts, voice), _day(ends, voice)
    if starts.date() == ends.date():
        return voice.says("%(day)s, %(starts)s–%(ends)s UTC", day=first, starts=begins, ends=stops)
    return voice.says("%(first)s, %(starts)s UTC to %(last)s, %(ends)s UTC", first=first, starts=begins, last=last, ends=stops)


def _day(at: datetime, voice: Voice) -> str:
    return voice.says("%(day)s %(month)s %(year)s", day=at.day, month=voice.months[at.month - 1], year=at.year)


def _name(window: Maintenance, voice: Voice) -> str:
    return said(window.name, voice.language)


def word(
    window: Maintenance, now: datetime, voices: Voices, *, state: MaintenanceState, title: Say, body: Texts, by: str | None = None
) -> MaintenanceUpdated:
    """Public words, the machine's where they are nobody's."""
    headline = in_each(voices, title)
    update = MaintenanceUpdate(
        number=window.updates + 1,
        state=state,
        title=headline.own,
        body=body.own,
        at=now,
        by=by,
        automatic=by is None,
        language=voices[0].tag if by is None else voices[0].language,
        titles=headline.others,
        bodies=body.others,
    )
    return MaintenanceUpdated(at=now, maintenance=window.id, update=update)


def planned(
    window: Maintenance, now: datetime, voices: Voices, *, by: str | None = None, again: tuple[datetime, datetime] | None = None
) -> MaintenanceUpdated:
    """It was planned, or approved, and everybody may know; also when it comes *again*, where that is news."""

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – planned for %(when)s", name=_name(window, voice), when=span(window.starts, window.ends, voice))

    def ours(voice: Voice) -> str:
        return voice.says("Maintenance is planned for %(when)s.", when=span(window.starts, window.ends, voice))

    def more(voice: Voice) -> str:
        return voice.says("It comes again, next on %(when)s.", when=span(*again, voice)) if again is not None else ""

    body = _described(window, voices, ours, more)
    return word(window, now, voices, state=MaintenanceState.SCHEDULED, title=title, body=body, by=by)


def _described(window: Maintenance, voices: Voices, ours: Say, more: Say) -> Texts:
    """What customers are told of it, or a sentence of *ours* where there is nothing, and what *more* there is to say.

    A language that the description does not have is left out: half a text in another language is worse than the whole of it.
    """

    def say(voice: Voice) -> str:
        is_own = voice is voices[0]
        text = said(window.description, voice.language) if is_own else _exactly(window.description, voice.language)
        if not any(window.description.values()):
            text = ours(voice)
        return " ".join(part for part in (text, more(voice)) if part) if text else ""

    return in_each(voices, say)


def _exactly(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language) or texts.get(language.partition("-")[0], "")


def rescheduled(
    before: Maintenance, after: Maintenance, now: datetime, speech: Speech = PLAIN, *, body: str = "", by: str | None = None
) -> tuple[MaintenanceUpdated, ...]:
    """It moved, or became longer or shorter: the old times and the new ones. Less than a minute is news only with a *body*."""
    told = partial(_told_times, before, after)
    text = speech.with_ours(body, lambda voice, theirs: " ".join(part for part in (theirs, told(voice)) if part))
    title = partial(_new_times, before, after, now)
    return (word(before, now, speech.voices, state=after.state, title=title, body=text, by=by),) if text.own else ()


def _new_times(before: Maintenance, after: Maintenance, now: datetime, voice: Voice) -> str:
    """What became of its times, as a title."""
    name, old, new = _name(before, voice), span(before.starts, before.ends, voice), span(after.starts, after.ends, voice)
    if old == new and after.ends <= now:
        return voice.says("%(name)s – finished", name=name)
    if old == new:
        return voice.says("%(name)s – planned for %(when)s", name=name, when=new)
    if before.starts != after.starts:
        return voice.says("%(name)s – moved to %(when)s", name=name, when=new)
    end = _end(after.ends, before.ends, voice)
    if before.ends < after.ends:
        return voice.says("%(name)s – extended until %(end)s", name=name, end=end)
    return voice.says("%(name)s – shortened until %(end)s", name=name, end=end)


def _told_times(before: Maintenance, after: Maintenance, voice: Voice) -> str:
    """The same as a sentence; none where they are the same to the minute."""
    old, new = span(before.starts, before.ends, voice), span(after.starts, after.ends, voice)
    if old == new:
        return ""
    if before.starts != after.starts:
        return voice.says("It was planned for %(old)s and is now planned for %(new)s.", old=old, new=new)
    was, now_is = _end(before.ends, after.ends, voice), _end(after.ends, before.ends, voice)
    if before.ends < after.ends:
        return voice.says("It takes longer than planned: until %(new)s instead of %(old)s.", new=now_is, old=was)
    return voice.says("It ends earlier than planned: at %(new)s instead of %(old)s.", new=now_is, old=was)


def _end(at: datetime, beside: datetime, voice: Voice) -> str:
    """An end, with its day where the other one falls on another."""
    return clock(at) if at.date() == beside.date() else f"{_day(at, voice)}, {clock(at)}"


def changed(window: Maintenance, now: datetime, voices: Voices = IN_ENGLISH) -> MaintenanceUpdated:
    """Its configuration gave it other words or another scope."""

    def title(voice: Voice) -> str:
        when = span(window.starts, window.ends, voice)
        return voice.says("%(name)s – changed, planned for %(when)s", name=_name(window, voice), when=when)

    def ours(voice: Voice) -> str:
        when = span(window.starts, window.ends, voice)
        return voice.says("What this maintenance is about has changed. It is planned for %(when)s.", when=when)

    body = _described(window, voices, ours, lambda _: "")
    return word(window, now, voices, state=window.state, title=title, body=body)


def begun(window: Maintenance, now: datetime, voices: Voices) -> MaintenanceUpdated:
    """The work began."""
    end = clock(window.ends)

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – in progress until %(end)s", name=_name(window, voice), end=end)

    body = in_each(voices, lambda voice: voice.says("The planned work has begun and is to end at %(end)s.", end=end))
    return word(window, now, voices, state=MaintenanceState.IN_PROGRESS, title=title, body=body)


def verifying(window: Maintenance, now: datetime, voices: Voices) -> MaintenanceUpdated:
    """Its time is over, and not everything is known to work."""

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – past its end, being verified", name=_name(window, voice))

    def say(voice: Voice) -> str:
        end = clock(window.ends)
        return voice.says("The work was planned until %(end)s. Not everything is known to work yet; we are looking.", end=end)

    return word(window, now, voices, state=MaintenanceState.VERIFYING, title=title, body=in_each(voices, say))


def overran(window: Maintenance, now: datetime, voices: Voices) -> MaintenanceUpdated:
    """It is over, and not well."""

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – over, not everything works", name=_name(window, voice))

    def say(voice: Voice) -> str:
        return voice.says("The work was planned until %(end)s, and something still does not work.", end=clock(window.ends))

    return word(window, now, voices, state=MaintenanceState.COMPLETED, title=title, body=in_each(voices, say))


def well(voice: Voice) -> str:
    """What is said at the end where everything is known to work."""
    return voice.says("The work is done, and everything works.")


def done(voice: Voice) -> str:
    """What is said at the end where something does not work that has nothing to do with it."""
    return voice.says("The work is done.")


def unsure(window: Maintenance, voice: Voice) -> str:
    """What is said where it is over, and nobody knows whether everything works."""
    return voice.says("The work was planned until %(end)s and is over.", end=clock(window.ends))


def completed(window: Maintenance, now: datetime, voices: Voices, body: Texts, *, by: str | None = None) -> MaintenanceUpdated:
    """It is over."""

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – completed", name=_name(window, voice))

    return word(window, now, voices, state=MaintenanceState.COMPLETED, title=title, body=body, by=by)


def cancelled(window: Maintenance, now: datetime, speech: Speech = PLAIN, *, body: str = "", by: str | None = None) -> MaintenanceUpdated:
    """It will not take place, or ended before its time without being done."""

    def title(voice: Voice) -> str:
        return voice.says("%(name)s – cancelled", name=_name(window, voice))

    def say(voice: Voice, theirs: str) -> str:
        when = span(window.starts, window.ends, voice)
        return theirs or voice.says("The maintenance that was planned for %(when)s does not take place.", when=when)

    text = speech.with_ours(body, say)
    return word(window, now, speech.voices, state=MaintenanceState.CANCELLED, title=title, body=text, by=by)
