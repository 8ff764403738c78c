"""Putting incidents together and taking them apart, as programs and the console's forms ask for it alike."""

from functools import partial

from incidents import regroup
from statuspage.pipeline import Command
from statuspage.web import bodies
from statuspage.web.by_language import words_of
from statuspage.web.desk import Deed, Desk


def merging(desk: Desk, incident: str, body: bodies.MergeBody, *, by: str) -> tuple[Deed, Command]:
    """What is noted and done where *incident* is to go on in another one."""
    said = words_of(desk.voices, body)
    command = partial(regroup.merge, incident=incident, into=body.into, by=by, body=said.body, speech=said.speech)
    return Deed(by=by, act="merge", incident=incident, detail={"into": body.into, **said.detail}), command


def splitting(desk: Desk, incident: str, body: bodies.SplitBody, *, by: str) -> tuple[Deed, Command]:
    """What is noted and done where parts of *incident* are to become one of their own."""
    said = words_of(desk.voices, body)
    command = partial(
        regroup.split,
        incident=incident,
        by=by,
        name=said.name,
        body=said.body,
        components=body.components,
        services=body.services,
        speech=said.speech,
    )
    detail = {**said.detail, "parts": ", ".join((*body.components, *body.services))}
    return Deed(by=by, act="split", incident=incident, detail=detail), command
