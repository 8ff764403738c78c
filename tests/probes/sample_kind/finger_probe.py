"""A kind of probe by a third party: a server that tells about people (RFC 1288)."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from probes.egress import Trust
from probes.kind import Attempt, Door, ProbeFailed, ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, Host, Line, Port, PositiveDuration, Secret, authority, host_and_port


class Settings(BaseModel):
    """Whom to ask about whom. *knows* is a text that the answer must contain."""

    model_config = CLOSED

    host: Host
    port: Port = 79
    person: Line
    knows: Line | None = None
    word: Secret | None = None
    within: PositiveDuration = timedelta(seconds=2)
    lines: Annotated[int, Field(ge=1, le=100)] = 20


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask, and read the answer up to its end."""
    question = settings.person
    if settings.word is not None:
        attempt.conceal(settings.word.reveal())
        question += f" {settings.word.reveal()}"
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, attempt=attempt) as stream, attempt.phase("answer"):
        attempt.sent(question)
        stream.write(question.encode() + b"\r\n")
        answer = await stream.line()
        attempt.received(answer)
    attempt.fact("answer_bytes", len(answer))
    if settings.knows is not None and settings.knows.encode() not in answer:
        raise ProbeFailed(Failure.CONTENT, "that person is not known", stage="answer")


def target(settings: Settings) -> str:
    """``person@host:port``."""
    return f"{settings.person}@{authority(settings.host, settings.port)}"


def ad_hoc(typed: str) -> Settings:
    """``person@host:port``."""
    person, _, place = typed.rpartition("@")
    name, port = host_and_port(place, 79)
    return Settings(host=name, port=port, person=person)


KIND = ProbeKind(name="finger", summary="Somebody can be fingered", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
