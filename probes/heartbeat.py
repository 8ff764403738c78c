"""Something that reports by itself: a nightly backup, a batch. Passive: its pings enter as results from outside."""

from datetime import timedelta
from hashlib import sha256
from typing import Self

from pydantic import BaseModel, model_validator

from probes.cron import CronText, Zone
from probes.kind import ProbeKind
from probes.settings import CLOSED, Duration, PositiveDuration, Secret, spelled


class Settings(BaseModel):
    """*token* is the secret part of the address that is pinged; *schedule*, in *timezone*, takes the place of the monitor's ``every``.

    *grace* is how long after it was due a ping still counts as in time, *finish_within* how long after a start the finish may take
    (None: as long as the grace).
    """

    model_config = CLOSED

    token: Secret
    schedule: CronText | None = None
    timezone: Zone | None = None
    grace: Duration = timedelta(minutes=5)
    finish_within: PositiveDuration | None = None

    @model_validator(mode="after")
    def _zone_has_a_schedule(self) -> Self:
        if self.timezone is not None and self.schedule is None:
            raise ValueError("timezone is that of a schedule; write schedule, or remove timezone")
        return self


def digest(token: str) -> bytes:
    """What a token is looked up by, so that the time a look-up takes says nothing about any token."""
    return sha256(token.encode(errors="surrogatepass")).digest()


def target(settings: Settings) -> str:
    """Say that nothing is reached from here: the address that is pinged holds the token."""
    return f"pings from outside, {spelled(settings.grace)} of grace"


KIND = ProbeKind(name="heartbeat", summary="Something reports in time", settings=Settings, measure=None, target=target)
