"""Something that reports by itself: a nightly backup, a batch. Passive: its pings enter as results from outside."""

from datetime import timedelta

from pydantic import BaseModel

from probes.kind import ProbeKind
from probes.settings import CLOSED, Duration, Secret


class Settings(BaseModel):
    """*token* is the secret part of the address that is pinged; *grace* how long after its time a ping still counts as in time."""

    model_config = CLOSED

    token: Secret
    grace: Duration = timedelta(minutes=5)


def target(settings: Settings) -> str:
    """Say that nothing is reached from here: the address that is pinged holds the token."""
    return f"pings from outside, {settings.grace} of grace"


KIND = ProbeKind(name="heartbeat", summary="Something reports in time", settings=Settings, measure=None, target=target)
