"""Nobody is written to about services that are not for everybody, whatever they asked for once."""

from functools import partial
from pathlib import Path

from incidents import act
from incidents.model import Status
from probes.result import Failure
from statuspage.picture.audience import Wish
from statuspage.store.scope_rows import hide
from tests.statuspage.tellings import House, known, telling


async def hiding(house: House, service: str) -> None:
    """From now on that service is not for everybody."""
    hidden = await house.store.write(lambda connection: hide(connection, [service], []))
    house.press.forget(house.press.site, house.press.public_ids, 120.0, hidden)


async def test_subscribers_hear_nothing_of_a_hidden_service(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        await house.subscribe("all@example.org")
        await house.subscribe("once@example.org", Wish(services=frozenset({"portal"})))
        await hiding(house, "portal")
        incident = await house.outage("web", Failure.REFUSED)
        await house.say(incident.id, "A secret disk is full.")
        await house.pass_by(3600)
        await house.deliver()
        assert house.postbox.letters == []
        assert await house.sent(incident.id) == []


async def test_mail_about_both_sides_tells_of_the_public_one_alone(tmp_path: Path) -> None:
    async with telling(tmp_path, known()) as house:
        await house.subscribe("all@example.org")
        await house.subscribe("once@example.org", Wish(services=frozenset({"portal"})))
        await hiding(house, "portal")
        for each in ("smtp", "imap", "web"):
            await house.see(each, None)
        services = {"email": Status.MAJOR, "portal": Status.MAJOR}
        await house.pipeline.act(partial(act.open_incident, name="A fire", services=services, by="ada", body="It burns."))
        await house.pass_by(3600)
        await house.deliver()
        assert {letter.to for letter in house.postbox.letters} == {"all@example.org"}
        told = "".join(f"{letter.subject}{letter.text}{letter.html}" for letter in house.postbox.letters)
        assert "A fire" in told
        assert "Email" in told
        assert "Portal" not in told
