"""The configuration as it may be written: one model per section, closed to unknown keys, every default in its place.

A model refuses what it can see to be wrong by itself; what depends on other sections is for ``statuspage.config.meaning``.
"""

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from incidents.model import State
from incidents.planned.planning import LONGEST
from incidents.times.rule import BadRule, parse
from probes.settings import Duration, PositiveDuration
from statuspage.config.alertmanager import Alertmanager
from statuspage.config.audiences import AudiencePage
from statuspage.config.installation import Console, Credentials, Egress, Listen, Mail, Mirror, Plugins, Site, Store
from statuspage.config.login import Login
from statuspage.config.outlets import MOST, Outlet
from statuspage.config.teams import Escalation, Person, Team
from statuspage.config.types import (
    ALWAYS,
    Amount,
    CalendarId,
    Date,
    Days,
    Id,
    LocalTime,
    OpenHours,
    Section,
    Text,
    Title,
    Url,
    Yes,
    Zone,
    refuse,
)
from statuspage.config.watched import Component, Defaults, Location, Monitor, Need, need
from statuspage.formula import SAMPLES, BadFormula, compile_formula
from statuspage.message_templates import named_in, objection

# --- people and hours ---------------------------------------------------------------------------------------------------------


class Holidays(Section):
    """Public holidays."""

    country: str = Field(description="ISO 3166 code, such as DE.")
    subdivision: str | None = Field(None, description="ISO 3166-2 code without the country, such as BE.")

    @field_validator("country")
    @classmethod
    def _country_exists(cls, country: str) -> str:
        if not _has_holidays(country, None):
            refuse("no holidays are known for this country; write its ISO 3166 code, such as DE")
        return country

    @field_validator("subdivision")
    @classmethod
    def _subdivision_exists(cls, subdivision: str | None, info: ValidationInfo) -> str | None:
        country = info.data.get("country")
        if country is not None and not _has_holidays(country, subdivision):
            refuse(f"{country} has no such subdivision; write its ISO 3166-2 code without the country, such as BE for Berlin")
        return subdivision


def _has_holidays(country: str, subdivision: str | None) -> bool:
    from holidays import country_holidays  # noqa: PLC0415 - a big package, read only where a calendar names a country

    try:
        country_holidays(country, subdiv=subdivision)
    except (NotImplementedError, AttributeError):
        return False
    return True


class Calendar(Section):
    """Hours of work."""

    timezone: Zone | None = Field(None, description="The zone of its hours; the site's by default.")
    weekly: Mapping[Days, tuple[OpenHours, ...]] = Field({}, description='Hours by day, such as {mon-fri: ["08:00-18:00"]}.')
    holidays: Holidays | None = Field(None, description="Public holidays, on which it is closed.")
    closed: tuple[Date, ...] = Field((), description="Other days on which it is closed.")


# --- what customers use ------------------------------------------------------------------------------------------------------


class Credit(Section):
    """What customers get back where the promise was missed."""

    below: float = Field(strict=True, gt=0, le=100, description="The availability in percent below which it is given.")
    percent: float = Field(strict=True, gt=0, le=100, description="How much of what they paid they get back.")


class ServiceLevel(Section):
    """What is promised."""

    target: float = Field(strict=True, gt=0, le=100, description="The share of the hours in which it works, in percent.")
    hours: CalendarId = Field(ALWAYS, description="The hours that count: a calendar, or always.")
    period: Literal["month", "quarter", "year"] = Field("month", description="What the share is worked out over.")
    notice: Duration = Field(timedelta(hours=72), description="How long before its start maintenance must be announced not to count.")
    notice_from: Duration = Field(timedelta(hours=1), description="The length from which maintenance needs that notice.")
    partial_counts: float = Field(1.0, strict=True, ge=0, le=1, description="How much of a partial outage is downtime: 1 all, 0.5 half.")
    credits: tuple[Credit, ...] = Field((), description="What customers get back below which availability; the lowest step counts.")
    public: Yes = Field(default=False, description="Whether the page shows credits and what is left of the budget.")


class Impact(Section):
    """What trouble with the service costs: inputs of the priority formula."""

    customers: Amount = Field(0.0, description="How many customers use it.")
    customer_lifetime_value: Amount = Field(0.0, description="What a customer is worth over the years.")
    customer_referral_value: Amount = Field(0.0, description="What a customer's recommendation is worth.")
    cost_of_quality: Amount = Field(0.0, description="What an hour of trouble costs for each customer.")
    cost_to_resolve: Amount = Field(0.0, description="What mending it usually costs.")


class Service(Section):
    """What a customer uses."""

    name: Text | None = Field(None, description="Its name; made from the id by default.")
    group: Text | None = Field(None, description="The heading it stands under.")
    description: Text | None = Field(None, description="What it is for.")
    needs: tuple[Annotated[Need, BeforeValidator(need, json_schema_input_type=Id | Need)], ...] = Field(
        (), description="What it requires; all of them."
    )
    monitors: tuple[Monitor, ...] = Field((), description="Monitors of a component of the service's own id.")
    publish_after: Duration = Field(timedelta(0), description="How long words about trouble are held back; never the status.")
    notify_after: Duration = Field(timedelta(minutes=2), description="How long words by mail and webhook to subscribers are held back.")
    resolves_after: Duration = Field(timedelta(minutes=5), description="How long a recovery is watched before the incident is resolved.")
    owner: Id | None = Field(None, description="The team that answers for it.")
    tiers: tuple[Id, ...] = Field((), description="Teams in the order in which they are called.")
    escalate_after: tuple[PositiveDuration, ...] | None = Field(None, description="When each further tier is called, from the opening on.")
    runbook: Url | None = Field(None, description="What the desk should read first.")
    hours: CalendarId = Field(ALWAYS, description="Business hours: maintenance inside them needs an override.")
    service_level: ServiceLevel | None = Field(None, description="What is promised; without it every minute is counted.")
    impact: Impact | None = Field(None, description="What trouble with it costs.")
    public: Yes = Field(default=True, description="Whether the main page shows it; else only pages that name it do, and the desk.")
    moved_from: Id | None = Field(None, description="The id it had before, so that its history stays.")

    @field_validator("escalate_after")
    @classmethod
    def _climbs_the_tiers(cls, steps: tuple[timedelta, ...] | None, info: ValidationInfo) -> tuple[timedelta, ...] | None:
        tiers = info.data.get("tiers")
        if steps is not None and tiers is not None and len(steps) != max(len(tiers) - 1, 0):
            refuse(f"one duration fewer than tiers: {len(tiers)} tiers need {max(len(tiers) - 1, 0)}, here are {len(steps)}")
        if steps is not None and any(later <= earlier for earlier, later in pairwise(steps)):
            refuse("durations ascend: each counts from the opening")
        return steps


# --- what is planned and known ------------------------------------------------------------------------------------------------


class Maintenance(Section):
    """A recurring window, or a single one."""

    name: Text | None = Field(None, description="Its name; made from the id by default.")
    description: Text | None = Field(None, description="What customers are told.")
    components: tuple[Id, ...] = Field((), description="What is worked on; what depends on it is covered too.")
    services: tuple[Id, ...] = Field((), description="Services that it is announced for.")
    timezone: Zone | None = Field(None, description="The zone of `starts`; the site's by default.")
    starts: LocalTime = Field(description='The first start in that zone: "2026-01-04 02:00".')
    lasts: PositiveDuration = Field(description="Elapsed time, also across a change of clocks.")
    repeats: str | None = Field(None, description="An RRULE (RFC 5545), such as FREQ=WEEKLY;BYDAY=SU.")
    skips: tuple[Date, ...] = Field((), description="Days, in that zone, on which it does not come although the rule says so.")
    announce: Duration = Field(
        timedelta(hours=72), description="How long before its start it is announced; at least as long as a service level asks for."
    )
    announce_each: Yes = Field(default=False, description="Tell of each time in the main feed too; always so where notice is asked for.")

    @field_validator("repeats")
    @classmethod
    def _is_a_rule(cls, rule: str | None) -> str | None:
        try:
            if rule is not None:
                parse(rule)
        except BadRule as error:
            refuse(str(error))
        return rule

    @field_validator("lasts")
    @classmethod
    def _is_work(cls, lasts: timedelta) -> timedelta:
        if lasts > LONGEST:
            refuse("maintenance lasts a month (31d) at most")
        return lasts


class KnownError(Section):
    """A symptom that is known, and the way round it."""

    services: tuple[Id, ...] = Field(min_length=1, description="Services it shows in.")
    symptom: Text = Field(description="How customers describe it.")
    workaround: Text = Field(description="What helps.")
    say: Text | None = Field(None, description="What the desk may tell them, word for word.")


class MessageTemplate(Section):
    """A text for updates that an agent fills in by one choice."""

    name: Text | None = Field(None, description="What the desk calls it; made from the id by default.")
    state: Literal[State.INVESTIGATING, State.IDENTIFIED, State.MONITORING] | None = Field(None, description="The state that it sets.")
    services: tuple[Id, ...] = Field((), description="Services whose incidents it is for; all by default.")
    body: Text = Field(description="The words for customers; {service}, {capabilities}, {since} and {next_update} stand for what is so.")
    next_update_in: PositiveDuration | None = Field(None, description="How soon it promises the next word.")

    @field_validator("body")
    @classmethod
    def _placeholders(cls, body: Mapping[str, str]) -> Mapping[str, str]:
        for text in body.values():
            if (fault := objection(text)) is not None:
                refuse(fault)
        return body

    @model_validator(mode="after")
    def _keeps_its_word(self) -> "MessageTemplate":
        if self.next_update_in is None and any("next_update" in named_in(text) for text in self.body.values()):
            refuse("{next_update} stands for a promise: say when, by next_update_in")
        return self


class Cause(Section):
    """What incidents come from."""

    name: Title | None = Field(None, description="What the desk and the review call it; made from the id by default.")
    supplier: Title | None = Field(None, description="The company outside that it lies with; it is ours by default.")


class Acknowledgement(Section):
    """What it means that an agent owns an incident."""

    lasts: PositiveDuration = Field(timedelta(minutes=30), description="How long it halts the clocks unless renewed.")


class Callers(Section):
    """When customers who call make an incident that waits for a person."""

    threshold: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(
        3, description="How many of one service, that no incident explains."
    )
    within: PositiveDuration = Field(timedelta(minutes=30), description="The time in which they call.")


class Level(Section):
    """A class of priority."""

    name: Title = Field(description="Its name, such as P1.")
    least: float | None = Field(
        None, alias="from", strict=True, allow_inf_nan=False, description="The lowest score; the last level needs none."
    )
    acknowledge_in: PositiveDuration | None = Field(None, description="How soon somebody should own such an incident.")
    update_in: PositiveDuration | None = Field(None, description="How soon customers should hear of it, and then again.")
    resolve_in: PositiveDuration | None = Field(None, description="How soon it should be over.")


def _formula(text: str) -> str:
    try:
        formula = compile_formula(text)
        for sample in SAMPLES:
            formula(sample)
    except BadFormula as error:
        refuse(str(error))
    return text


class Priority(Section):
    """How much an incident matters: the company's own formula."""

    score: Annotated[str, AfterValidator(_formula)] = Field(description="A formula in CEL; every input is a double.")
    levels: tuple[Level, ...] = Field((), description="Classes of the score, highest first; their clocks run in the services' hours.")

    @field_validator("levels")
    @classmethod
    def _descend(cls, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        scores = [level.least for level in levels]
        known = [score for score in scores if score is not None]
        if None in scores[:-1] or any(later >= earlier for earlier, later in pairwise(known)):
            refuse("levels stand highest first, each with a lower `from`; only the last may have none")
        return levels


class Duties(Section):
    """Who may do what alone."""

    separated: Yes = Field(
        default=False, description="Whether a second person approves maintenance and corrections, and an admin has no other role."
    )


class Config(Section):
    """The whole configuration."""

    site: Site = Field(description="Whose page it is.")
    console: Console = Field(Console(), description="Where agents work.")
    login: Login = Field(Login(), description="How agents come in.")
    listen: Listen = Field(Listen(), description="Addresses to listen on.")
    store: Store = Field(Store(), description="Where everything is kept.")
    mirror: Mirror | None = Field(None, description="The public face as files, for any static host.")
    mail: Mail | None = Field(None, description="Outgoing mail: to subscribers, so far.")
    announce: Annotated[Mapping[Id, Outlet], Field(max_length=MOST)] = Field(
        {}, description="Chats, rooms and services in which public words are announced, by apprise."
    )
    alertmanager: Alertmanager | None = Field(None, description="Prometheus Alertmanager: what it tells us, and what it is told.")
    egress: Egress = Field(Egress(), description="Where redirects and webhooks may lead.")
    plugins: Plugins = Field(Plugins(), description="Which programs monitors may run.")
    locations: Mapping[Id, Location] = Field({}, description="Where probes are made from; `local` is the hub itself.")
    calendars: Mapping[Id, Calendar] = Field({}, description="Hours of work.")
    teams: Mapping[Id, Team] = Field({}, description="Agents who answer for something together.")
    people: Mapping[Id, Person] = Field({}, description="Who is called by turns, and where they are told.")
    credentials: Mapping[Id, Credentials] = Field({}, description="Names and passwords that monitors log in with.")
    services: Mapping[Id, Service] = Field({}, description="What customers use.")
    pages: Mapping[Id, AudiencePage] = Field({}, description="Further pages, each of some services for readers of its own.")
    components: Mapping[Id, Component] = Field({}, description="What services are made of.")
    defaults: Defaults = Field(Defaults(), description="What entries have unless they say otherwise.")
    monitors: Mapping[Id, Monitor] = Field({}, description="What watches the components.")
    maintenance: Mapping[Id, Maintenance] = Field({}, description="Windows of planned work that recur.")
    known_errors: Mapping[Id, KnownError] = Field({}, description="Symptoms that are known, and the way round them.")
    templates: Mapping[Id, MessageTemplate] | None = Field(
        None, description="Texts for updates at the desk; those of docs/words.md by default, none by `{}`."
    )
    causes: Mapping[Id, Cause] | None = Field(
        None, description="What incidents may come from, for the review; those of docs/reports.md by default, any words by `{}`."
    )
    acknowledgement: Acknowledgement = Field(Acknowledgement(), description="What it means that an agent owns an incident.")
    escalation: Escalation = Field(Escalation(), description="What happens when nobody takes an incident.")
    callers: Callers = Field(Callers(), description="When customers who call make an incident that waits for a person.")
    priority: Priority | None = Field(None, description="How much an incident matters.")
    duties: Duties = Field(Duties(), description="Who may do what alone.")
