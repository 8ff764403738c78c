"""Many questions to one resolver within one probe: side by side, each once, and none holds up the rest."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.resolver import Resolver, ask, question_for
from probes.result import Failure
from probes.wire.dnswire import AAAA, MX, NOERROR, NXDOMAIN, PTR, TXT, A, Answer, led_to

_PATIENCE = 0.3
"""The part of the time left that one round of questions may take: what is not answered by then is told, and the rest goes on."""
_AT_ONCE = 20
_TYPES = {A: "A", AAAA: "AAAA", MX: "MX", PTR: "PTR", TXT: "TXT"}

Asked = tuple[str, int]


@dataclass(slots=True)
class Records:
    """What the resolver says: each question is asked once. An answer of None is no answer, or one that says that there is none.

    *is_heard* says whether the resolver has said anything at all, *trouble* why the last question without an answer has none.
    """

    resolver: Resolver
    door: Door
    attempt: Attempt
    known: dict[Asked, Answer | None] = field(default_factory=dict)
    trouble: str = "no answer"
    is_heard: bool = False

    async def fetch(self, questions: Iterable[Asked]) -> None:
        """Ask what is not known yet, twenty at a time, for a part of the time left."""
        left = self.attempt.allowed - self.attempt.elapsed()
        patience = left * _PATIENCE
        seats = asyncio.Semaphore(_AT_ONCE)
        asking = {
            asyncio.create_task(self._ask(question, seats, patience)): question
            for question in dict.fromkeys(questions)
            if question not in self.known
        }
        if not asking:
            return
        try:
            await asyncio.wait(asking, timeout=patience)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)
        troubles = [task.exception() for task in asking if not task.cancelled()]
        if (trouble := next((each for each in troubles if each is not None), None)) is not None:
            raise trouble
        for task, question in asking.items():
            self.known[question] = None if task.cancelled() else task.result()

    async def _ask(self, question: Asked, seats: asyncio.Semaphore, patience: float) -> Answer | None:
        """Ask one question with an attempt of its own: many run at once, and phases would mix."""
        own = Attempt(elapsed=self.attempt.elapsed, allowed=self.attempt.elapsed() + patience)
        async with seats:
            self.attempt.sent(f"{question[0]} {_TYPES[question[1]]}?")
            try:
                answer = await ask(self.resolver, question_for(*question), self.door, own)
            except ValueError as error:  # somebody's record leads to what is no name
                self.trouble = str(error)
                return None
            except ProbeFailed as failed:
                if failed.failure in {Failure.BLOCKED, Failure.IMPAIRED}:
                    raise
                self.trouble = failed.detail
                return None
            except OSError as error:
                self.trouble = str(error)
                return None
        self.is_heard = True
        self.attempt.received(f"{question[0]} {_TYPES[question[1]]}: rcode {answer.rcode}, {len(answer.records)} records".encode())
        if answer.rcode not in {NOERROR, NXDOMAIN}:
            self.trouble = f"the resolver answers with code {answer.rcode}"
            return None
        return answer

    def texts(self, name: str, kind: int) -> list[str]:
        """Return the data of the records of a name; nothing where it has none, or nobody answered."""
        answer = self.known.get((name, kind))
        if answer is None:
            return []
        try:
            return [record.text for record in led_to(answer, question_for(name, kind)) if record.type == kind]
        except ProbeFailed:  # aliases in a circle lead to no record
            return []

    def is_silent(self, *questions: Asked) -> bool:
        """Say whether none of *questions* was answered: then nothing is known, and nothing is missing."""
        return all(self.known.get(question) is None for question in questions)

    def found_addresses(self, name: str) -> list[str]:
        """Return the addresses of a name, IPv4 first."""
        return [*self.texts(name, A), *self.texts(name, AAAA)]
