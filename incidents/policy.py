"""The numbers and the table that turn results into verdicts. What words mean stands here, and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from incidents.voices import ENGLISH, Voice, Voices
from incidents.votes import Level
from probes.result import Failure

SAYS_NOTHING = frozenset(
    {Failure.AUTH_REJECTED, Failure.BLOCKED, Failure.SOURCE_FAILED, Failure.IMPAIRED, Failure.CRASHED, Failure.MISSED},
)
"""Failures that are ours and not the target's: our password, our door, our witness, our machine, our bug, our lateness."""

WORKS_BADLY = frozenset({Failure.SLOW, Failure.DELAYED, Failure.JUNKED, Failure.DEGRADED})
"""Failures in which the customer still gets what they came for, only worse."""


def _levels() -> Mapping[Failure | None, Level | None]:
    table: dict[Failure | None, Level | None] = dict.fromkeys(Failure, Level.DOWN)
    table.update(dict.fromkeys(SAYS_NOTHING, None))
    table.update(dict.fromkeys(WORKS_BADLY, Level.DEGRADED))
    table[None] = Level.GOOD
    return MappingProxyType(table)


LEVELS = _levels()
"""What each failure says about the target; None where it says nothing."""


REOPENS_WITHIN = timedelta(minutes=30)
"""How long after its end an incident comes back instead of another being opened."""

_NO_ANSWER = frozenset({Failure.TIMEOUT, Failure.DNS, Failure.UNREACHABLE, Failure.IMPAIRED})
_OUR_OWN = frozenset({Failure.BLOCKED, Failure.SOURCE_FAILED, Failure.CRASHED, Failure.MISSED})


def _answers() -> Mapping[Failure | None, bool | None]:
    table: dict[Failure | None, bool | None] = dict.fromkeys((None, *Failure), True)
    table.update(dict.fromkeys(_NO_ANSWER, False))
    table.update(dict.fromkeys(_OUR_OWN, None))
    return MappingProxyType(table)


ANSWERS = _answers()
"""Whether a control that met it has answered: anything that comes back is an answer, even a refusal. None where nothing can be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Numbers that hold for the whole installation; those of a monitor or service stand in the topology.

    *asks_desk_for* is how long a recovered incident on which a person has posted waits for the desk before it resolves by itself.
    *folds_within* is how long before its parent's failure a component may have failed and still count as the parent's victim,
    *waits_for_cause* how long a broken component waits for the verdict on a parent that has begun to fail too. *says_more_after* is
    how long the machine keeps quiet after its last words while an outage spreads, so that one cause becomes a few updates and not
    one a component. *reopens_within* is how long after its end an incident whose root fails again comes back. An incident
    flaps at its *flaps_at*-th outage within *flaps_within*, and has calmed once all it hit worked for *calms_after*. *verifies_for*
    is how long after its end planned work may still be mended before it is an outage with an incident, *announces_early* how much sooner
    than promised an occurrence of a series is announced, *offers_finish_after* how long everything must have worked in a window before it
    is offered to end early. *language* is the site's own; its public words are said in that and in the others of *voices* (empty: only in
    English, with the names of *language*).
    """

    asks_desk_for: timedelta = timedelta(minutes=30)
    folds_within: timedelta = timedelta(minutes=2)
    waits_for_cause: timedelta = timedelta(seconds=15)
    says_more_after: timedelta = timedelta(seconds=30)
    reopens_within: timedelta = REOPENS_WITHIN
    flaps_at: int = 3
    flaps_within: timedelta = timedelta(minutes=30)
    calms_after: timedelta = timedelta(minutes=15)
    verifies_for: timedelta = timedelta(minutes=10)
    announces_early: timedelta = timedelta(hours=1)
    offers_finish_after: timedelta = timedelta(minutes=30)
    language: str = ENGLISH
    voices: Voices = ()

    @property
    def speaks(self) -> Voices:
        """Every language in which it publishes, the site's own first."""
        return self.voices or (Voice(language=self.language),)
