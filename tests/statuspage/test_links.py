"""Links that prove who follows them: for one purpose, for a while, and not to be made by anybody else."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from incidents.model import Status
from statuspage.links import LONGEST, Asked, Links, Purpose
from statuspage.picture.audience import Rhythm, Wish

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LINKS = Links(secret="seed", url="https://status.example.net")
ASKED = Asked(
    address="anna@example.org",
    wish=Wish(services=frozenset({"email", "portal"}), floor=Status.PARTIAL, wants_maintenance=False),
    language="de",
    until=NOW + timedelta(hours=48),
)


def token(link: str) -> str:
    return link.rpartition("/")[2]


@pytest.mark.parametrize("asked", [ASKED, replace(ASKED, wish=Wish()), replace(ASKED, wish=Wish(rhythm=Rhythm.WEEKLY))])
def test_what_was_asked_for_comes_back(asked: Asked) -> None:
    link = LINKS.confirm(asked)
    assert link.startswith("https://status.example.net/subscribe/confirm/")
    assert LINKS.asked(token(link), NOW) == asked


def test_a_link_of_a_release_that_knew_no_rhythm_is_still_good() -> None:
    told = ["anna@example.org", None, "major_outage", True, "en", ASKED.until.timestamp()]
    found = LINKS.asked(LINKS._signer(Purpose.CONFIRM).dumps(told), NOW)
    assert found is not None
    assert found.wish == Wish(floor=Status.MAJOR)


def test_a_link_to_confirm_ends() -> None:
    link = token(LINKS.confirm(ASKED))
    assert LINKS.asked(link, ASKED.until - timedelta(microseconds=1)) == ASKED
    assert LINKS.asked(link, ASKED.until) is None


def test_no_link_serves_another_purpose() -> None:
    manage, end = token(LINKS.manage("abc")), token(LINKS.unsubscribe("abc"))
    assert LINKS.subscriber(Purpose.MANAGE, manage) == "abc"
    assert LINKS.subscriber(Purpose.UNSUBSCRIBE, end) == "abc"
    assert LINKS.subscriber(Purpose.UNSUBSCRIBE, manage) is None
    assert LINKS.subscriber(Purpose.MANAGE, end) is None
    assert LINKS.asked(manage, NOW) is None
    assert LINKS.subscriber(Purpose.MANAGE, token(LINKS.confirm(ASKED))) is None


def test_another_installation_makes_other_links() -> None:
    other = replace(LINKS, secret="other")
    assert LINKS.subscriber(Purpose.MANAGE, token(other.manage("abc"))) is None


def test_a_link_of_which_one_letter_is_another_is_no_link() -> None:
    whole = token(LINKS.manage("abcdefghijklmnop"))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for at, letter in enumerate(whole[:-1]):  # of the last letter, two bits mean nothing
        changed = whole[:at] + last[(last.find(letter) + 1) % 64] + whole[at + 1 :]
        assert LINKS.subscriber(Purpose.MANAGE, changed) is None, changed
    assert LINKS.subscriber(Purpose.MANAGE, "") is None
    assert LINKS.subscriber(Purpose.MANAGE, whole + "x" * LONGEST) is None
