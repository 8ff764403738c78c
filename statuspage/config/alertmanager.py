"""Prometheus Alertmanager, both ways: which of its alerts mean one of our services, and where our incidents go."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from incidents.model import Status
from probes.settings import PositiveDuration
from statuspage.config.types import Id, Section, Title, Url

Trouble = Literal[Status.DEGRADED, Status.PARTIAL, Status.MAJOR]
LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=100)]

SEVERITIES: Mapping[str, Trouble] = {"critical": Status.MAJOR, "error": Status.PARTIAL, "warning": Status.DEGRADED}


class Alertmanager(Section):
    """Prometheus Alertmanager: what its alerts mean here, and where our incidents are told; see docs/alertmanager.md."""

    to: Annotated[tuple[Url, ...], Field(max_length=5)] = Field((), description="Alertmanagers that are told; each member of a cluster.")
    login: Id | None = Field(None, description="An entry of credentials, for Alertmanagers behind a password.")
    repeats_every: PositiveDuration = Field(
        timedelta(minutes=1), description="How often they are told what goes on; what they hear nothing of for four times as long is over."
    )
    labels: Annotated[Mapping[LabelName, Title], Field(max_length=20)] = Field({}, description="Labels of their own for all that is told.")
    service_label: LabelName = Field("service", description="The label of an alert that names one of our services, by id.")
    severity_label: LabelName = Field("severity", description="The label that says how bad it is.")
    severities: Annotated[Mapping[Title, Trouble], Field(max_length=50)] = Field(
        SEVERITIES, description="What its values mean, both ways; an alert with another one is left alone, one without is a partial outage."
    )
