"""Who answers for services: teams, the people in them who are called by turns, and how often a call is repeated."""

from datetime import timedelta

from pydantic import Field, model_validator

from probes.settings import PositiveDuration
from statuspage.config.types import ALWAYS, CalendarId, Id, LocalTime, NotifyUrl, Section, Title, Zone, refuse

_URLS = "as Apprise URLs; a secret one as {env: …} or {file: …}."


class Quiet(Section):
    """Hours in which only what matters most is told."""

    hours: Id = Field(description="A calendar: while it is open, it is quiet.")
    lets_through: Title | None = Field(None, description="The lowest level of priority that is told all the same; the highest by default.")


class Person(Section):
    """Somebody who is called by turns. The id is the name by which they log in."""

    name: Title | None = Field(None, description="Their name; made from the id by default.")
    notify: tuple[NotifyUrl, ...] = Field((), repr=False, description=f"Where to tell them while they are on call, {_URLS}")
    quiet: Quiet | None = Field(None, description="When to leave them alone; what is held back is told at its end.")


class OnCall(Section):
    """Who of a team is called when."""

    weekly: tuple[Id, ...] = Field((), description="People who have a week each, in this order.")
    since: LocalTime | None = Field(
        None, description='When the first of them begins, and the hour of the week at which they hand over: "2026-01-05 09:00".'
    )
    timezone: Zone | None = Field(None, description="The zone of `since`; the site's by default.")
    calendar: str | None = Field(
        None, description="An iCalendar file beside this one, whose events name people by id or name; it holds where it names anybody."
    )

    @model_validator(mode="after")
    def _names_somebody(self) -> "OnCall":
        if not self.weekly and self.calendar is None:
            refuse("names nobody; give weekly with since, or a calendar")
        if self.weekly and self.since is None:
            refuse('weekly needs since: when the first of them begins, such as "2026-01-05 09:00"')
        return self


class Team(Section):
    """Agents who answer for something together."""

    name: Title | None = Field(None, description="Its name; made from the id by default.")
    notify: tuple[NotifyUrl, ...] = Field((), repr=False, description=f"Where to tell it, {_URLS}")
    quiet: Quiet | None = Field(None, description="When to leave its own places alone; whoever is on call has their own hours.")
    hours: CalendarId = Field(ALWAYS, description="When it answers: a calendar, or always. Outside it the next tier is called at once.")
    on_call: OnCall | None = Field(None, description="Who of it is called when; without it only the team as a whole is told.")


class Escalation(Section):
    """What happens when nobody takes an incident."""

    repeats_every: PositiveDuration = Field(
        timedelta(minutes=30), description="How often the last tier is called again once all were called and nobody has taken it."
    )
