"""How the machine opens an incident: when it began, what it is called, and when its words go public."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from incidents import words
from incidents.draft import Draft
from incidents.events import Opened
from incidents.model import Origin, Situation, Subject
from incidents.rollup import hit_services, standing


def new_id(situation: Situation, *grounds: str) -> str:
    """An incident's id: twelve lowercase letters and digits, unguessable, and the same whenever the past is replayed."""
    number = int.from_bytes(hashlib.sha256("\n".join((situation.seed, *grounds)).encode()).digest())
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(12))


def open_incident(draft: Draft, root: str, component: str) -> str:
    """Open one for *root*, which makes *component* fail and that a service; return its id."""
    situation = draft.situation
    hit = hit_services(situation, component)
    began = _began(situation, component, hit)
    id = new_id(situation, root, draft.now.isoformat())
    statuses = {service: standing(situation, Subject.SERVICE, service) for service in hit}
    waits = min(situation.topology.services[service].publish_after for service in hit)
    draft.say(
        Opened(
            at=draft.now,
            incident=id,
            name=words.title(situation, statuses, (component,), draft.policy.language),
            origin=Origin.MACHINE,
            root=root,
            started_at=began,
            publish_at=draft.now + waits,
            by=None,
            reason=f"{root}: {situation.standings[Subject.COMPONENT, root].cause}",
        ),
    )
    return id


def _began(situation: Situation, component: str, hit: Iterable[str]) -> datetime:
    """When customers were first hit: not before the component broke, and not before their service did."""
    services = [situation.standings[Subject.SERVICE, id].since for id in hit]
    return max(situation.standings[Subject.COMPONENT, component].since, min(services))
