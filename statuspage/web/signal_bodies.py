"""What Alertmanager sends by its webhook (version 4 of its format), and what it gets. Keys that are not read here are left alone."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from statuspage.web.bodies import Given, Instant

MOST_ALERTS = 2000

Labels = Annotated[Mapping[Annotated[str, Field(max_length=1000)], Annotated[str, Field(max_length=100_000)]], Field(max_length=200)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class AlertSent(_Sent):
    """One alert; *ends_at* counts where it is resolved."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels = Field(default_factory=dict)
    starts_at: Instant = Field(alias="startsAt")
    ends_at: Instant | None = Field(None, alias="endsAt")
    fingerprint: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class GroupSent(_Sent):
    """A group of alerts; *truncated_alerts* is how many of it were left out."""

    version: Literal["4"]
    alerts: Annotated[tuple[AlertSent, ...], Field(max_length=MOST_ALERTS)]
    truncated_alerts: Annotated[int, Field(ge=0, le=2**53)] = Field(0, alias="truncatedAlerts")


class SignalsHeard(Given):
    """How many alerts are known now, how many are not meant for us, and the open *incidents* that they belong to."""

    heard: int
    ignored: int
    incidents: list[str]
