"""The line for other people's sites: when there is one, what it says, and who may read it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incidents.model import Status
from statuspage.picture.page import build
from statuspage.render.banner import banner
from statuspage.render.tongue import ENGLISH
from tests.statuspage.pictures import NOW, SITE, service, snapshot, story, update
from tests.statuspage.serving import Served, serving

EMAIL, PORTAL = service("email"), service("portal", None)


def told(*stories: str, at: int = 0, **statuses: Status) -> dict[str, Any]:
    opened = tuple(story(update(1), id_=id_) for id_ in stories)
    spelled = banner(build(snapshot(EMAIL, PORTAL, stories=opened, statuses=statuses), NOW + timedelta(minutes=at)), ENGLISH)
    said: dict[str, Any] = json.loads(spelled)
    return said


@pytest.mark.parametrize("status", [Status.DEGRADED, Status.PARTIAL, Status.MAJOR, Status.MAINTENANCE])
def test_while_something_is_wrong_there_is_a_line(status: Status) -> None:
    said = told(email=status)
    assert said["line"].startswith(("Email", "Parts of Email"))
    assert (said["status"], said["site"], said["language"]) == (status, SITE.name, "en")


@pytest.mark.parametrize("status", [Status.OPERATIONAL, Status.UNKNOWN])
def test_otherwise_there_is_none(status: Status) -> None:
    assert told(email=status)["line"] is None


def test_it_leads_to_the_only_incident_and_of_several_to_the_page() -> None:
    assert told("incidentopen", email=Status.MAJOR)["url"] == f"{SITE.url}/incidents/incidentopen"
    assert told(email=Status.MAJOR)["url"] == f"{SITE.url}/"
    assert told("incidentopen", "incidentmore", email=Status.MAJOR)["url"] == f"{SITE.url}/"


def test_it_stays_the_same_while_nothing_happens() -> None:
    assert told("incidentopen", email=Status.MAJOR) == told("incidentopen", email=Status.MAJOR, at=30)


def test_what_has_no_business_in_a_line_is_dropped_from_it() -> None:
    named = snapshot(replace(EMAIL, name={"en": "E\u202email\x07"}), statuses={"email": Status.MAJOR})
    assert json.loads(banner(build(named, NOW), ENGLISH))["line"] == "Email is not working"


@pytest.mark.parametrize(("path", "kind"), [("/banner.js", "text/javascript"), ("/banner.json", "application/json")])
async def test_other_sites_may_read_it_and_keep_it_for_a_minute(path: str, kind: str) -> None:
    served = Served()
    served.publish(snapshot(EMAIL, PORTAL))
    async with serving(served) as session, session.get(path, headers={"Origin": "https://shop.example"}) as answer:
        assert (answer.status, answer.content_type) == (200, kind)
        assert answer.headers["Cache-Control"] == "public, max-age=60, stale-if-error=3600"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Statuspage-As-Of" in answer.headers["Access-Control-Expose-Headers"]
        assert "Set-Cookie" not in answer.headers
