"""What is watched, as it may be written: components, the monitors that watch them, what services need of them, and from where."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from incidents.model import Severity
from probes.settings import PositiveDuration
from statuspage.config.types import Count, Id, Section, Text, Title, Yes, refuse


class MonitorDefaults(Section):
    """How often monitors probe, and by which numbers their results are judged."""

    every: PositiveDuration = Field(timedelta(seconds=30), description="How often it probes; how often a heartbeat is due.")
    timeout: PositiveDuration = Field(timedelta(seconds=10), description="How long a probe may take; at most `every`.")
    recheck: PositiveDuration = Field(timedelta(seconds=3), description="How soon a first failure is probed again, after it ended.")
    fails_after: Count = Field(2, description="Failures in a row that make an outage; a heartbeat's own default is 1.")
    recovers_after: Count = Field(2, description="Successes in a row that end it; a heartbeat's own default is 1.")
    stale_after: PositiveDuration | None = Field(None, description="Silence after which nothing is known; 3 × every + timeout by default.")
    severity: Severity = Field(Severity.OUTAGE, description="How bad its failure is: outage, degraded (at most), or warning (desk only).")
    locations: tuple[Id, ...] = Field(("local",), min_length=1, description="Where it is probed from.")
    quorum: Count | None = Field(None, description="How many of them must agree on trouble; by default all that can tell.")


class Monitor(MonitorDefaults):
    """What watches a component: a kind of probe with its own settings beside these keys."""

    name: Title | None = Field(None, description="Its name at the desk; made from the id by default.")
    component: Id | None = Field(None, description="What it watches; by default a component of the monitor's own id.")
    probe: str = Field(description="The kind of probe.")
    enabled: Yes = Field(
        default=True, description="Whether it is at work; false: it is not probed, and its component is judged without it."
    )
    moved_from: Id | None = Field(None, description="The id it had before, so that its history stays.")
    settings: SkipJsonSchema[InstanceOf[BaseModel] | None] = None


class Control(Section):
    """A target that tells whether a location itself can reach the world."""

    probe: str = Field(description="The kind of probe.")
    settings: SkipJsonSchema[InstanceOf[BaseModel] | None] = None


class Location(Section):
    """Where probes are made from; `local` is the hub itself."""

    name: Title | None = Field(None, description="Its name; made from the id by default.")
    controls: tuple[Control, ...] = Field(
        (), description="Targets that show whether the location is blind; gateway and resolvers by default."
    )


class Defaults(Section):
    """What entries have unless they say otherwise."""

    monitor: MonitorDefaults = Field(MonitorDefaults(), description="For monitors.")


class Component(Section):
    """A technical part that services are made of."""

    name: Title | None = Field(None, description="Its name at the desk; made from the id by default.")
    depends_on: tuple[Id, ...] = Field((), description="Components whose failure explains its own.")
    moved_from: Id | None = Field(None, description="The id it had before, so that its history stays.")


def need(given: object) -> object:
    """Read a bare id as the need of that component."""
    return {"component": given} if isinstance(given, str) else given


class Need(Section):
    """Something that a service requires: one component, any of several, or at least so many of several."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["component"]}, {"required": ["any"]}, {"required": ["of", "at_least"]}]}
    )

    component: Id | None = Field(None, description="The component that must work.")
    any: tuple[Id, ...] | None = Field(None, min_length=1, description="Components of which one must work.")
    of: tuple[Id, ...] | None = Field(None, min_length=1, description="Components of which at_least must work.")
    at_least: int | None = Field(None, strict=True, description="How many of `of` must work.")
    label: Text | None = Field(None, alias="as", description="The capability in customers' words, such as Sending.")
    critical: Yes = Field(default=False, description="Whether its loss is a major outage of the service.")

    @field_validator("at_least")
    @classmethod
    def _is_possible(cls, wanted: int | None, info: ValidationInfo) -> int | None:
        of = info.data.get("of")
        if wanted is not None and of is not None and not 1 <= wanted <= len(of):
            refuse(f"at_least counts from 1 to the {len(of)} components of `of`")
        return wanted

    @field_validator("any", "of")
    @classmethod
    def _names_each_once(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and len(set(names)) < len(names):
            refuse("a component stands twice in this list; keep it once")
        return names

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        forms = [self.component is not None, self.any is not None, self.of is not None or self.at_least is not None]
        if forms.count(True) != 1 or (self.of is None) != (self.at_least is None):
            refuse("write a component's id, {component: …}, {any: […]}, or {at_least: …, of: […]}")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """The components that it counts."""
        return self.any or self.of or ((self.component,) if self.component is not None else ())
