"""What the file says for the desk of each service, beside what judging and reckoning need of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from statuspage.config.models import Config
from statuspage.config.types import ALWAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """Of a service: where its *runbook* is (empty: nowhere), and what the calendar of its business *hours* is called."""

    runbook: str = ""
    hours: str = ALWAYS


def charters(config: Config) -> Mapping[str, Charter]:
    """The charter of every service, by its id."""
    return {id: Charter(runbook=service.runbook or "", hours=service.hours) for id, service in config.services.items()}
