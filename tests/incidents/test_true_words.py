"""What the machine says in public is true when it is said, and is taken back as soon as it is not."""

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import act, claims
from incidents.events import Updated
from incidents.model import Need, Status, Update
from incidents.policy import Policy
from incidents.situation import fold
from probes.result import Failure
from statuspage.bundled import templates
from statuspage.render.voicing import voices_of
from tests.incidents import truths
from tests.incidents.chance import often
from tests.incidents.lives import incident_of, mail, well
from tests.incidents.reading import GERMAN, Sentence, sentences
from tests.incidents.works import planned
from tests.incidents.world import World, need, service, topology

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def words(world: World, root: str) -> list[str]:
    """All that was said in public of the newest incident of *root*."""
    held = {**world.situation.ended, **world.situation.incidents}
    found = max((one for one in held.values() if one.root == root), key=lambda one: one.opened_at)
    return [update.body for update in world.updates(found.id)]


def two_services(**more: object) -> World:
    services = [service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), **more), service("portal", need("web"))]
    return well(World(topology(services, stale_after=HOUR)))


# --- a service that another incident hits too


def test_what_recovers_says_which_part_is_mended_and_what_another_problem_still_affects() -> None:
    world = mail()
    world.fail("smtp")
    world.tick(60)
    world.fail("imap")
    world.tick(60)
    world.mend("smtp")
    assert words(world, "smtp")[-1] == (
        "Our monitoring sees that Sending of Email works again. Another problem still affects Email. "
        "We keep watching before we call it resolved."
    )
    world.tick(301)
    told = words(world, "smtp")[-1]
    assert told.startswith("No service is affected by this problem any more, since 08:02 UTC, after 2 min.")
    assert told.endswith("Another problem still affects Email. This incident is resolved.")


def test_a_service_that_works_only_since_another_problem_was_over_is_not_said_to_work_since_this_one_was() -> None:
    world = mail()
    world.fail("smtp")
    world.tick(60)
    world.fail("imap")
    world.mend("smtp")
    world.tick(120)
    world.mend("imap")
    world.tick(200)
    assert words(world, "smtp")[-1] == (
        "No service is affected by this problem any more, since 08:01 UTC, after 1 min. This incident is resolved."
    )


def test_an_incident_is_over_since_its_own_parts_work_whatever_another_one_goes_on_breaking() -> None:
    """Each of the two takes the whole service down, so that its status says nothing of which of them is mended."""
    shape = topology([service("email", need("smtp", critical=True), need("imap", critical=True))], stale_after=HOUR)
    world = well(World(shape))
    world.fail("smtp")
    world.fail("imap")
    world.tick(600)
    mended = world.now
    world.mend("smtp")
    found = world.situation.incidents[incident_of(world, "smtp")]
    assert (found.recovered_at, world.service("email")) == (mended, Status.MAJOR)


def test_what_planned_work_covers_is_not_said_to_work_again() -> None:
    world = mail()
    planned(world, 60)
    world.fail("smtp")
    world.tick(60)
    world.mend("smtp")
    assert world.service("email") is Status.MAINTENANCE
    assert words(world, "smtp")[-1].startswith("No service is affected by this problem any more.")


def test_what_planned_work_breaks_behind_its_cover_takes_nothing_back() -> None:
    world = mail()
    planned(world, 60)
    world.fail("smtp")
    world.mend("smtp")
    world.tick(60)
    said = len(words(world, "smtp"))
    world.fail("imap")
    assert world.service("email") is Status.MAINTENANCE
    assert len(words(world, "smtp")) == said


# --- a service that gets worse through another incident


def test_what_was_said_to_work_and_another_incident_breaks_is_taken_back_at_once() -> None:
    world = mail()
    world.fail("smtp")
    assert "Email is partly not working (not working: Sending; working: Receiving)." in words(world, "smtp")[0]
    world.fail("imap")
    assert words(world, "smtp")[1:] == ["Another problem affects Email too. Email is not working (not working: Sending and Receiving)."]
    world.tick(60)
    assert len(words(world, "smtp")) == 2


def test_a_worse_status_through_another_incident_is_told_when_the_last_words_are_old_enough() -> None:
    world = well(World(topology([service("email", need("smtp"), need("imap"))], stale_after=HOUR)))
    world.fail("smtp")
    world.fail("imap")
    assert len(words(world, "smtp")) == 1
    world.tick(30)
    assert words(world, "smtp")[1:] == ["Another problem affects Email too. Email is not working."]
    assert len(words(world, "imap")) == 1


def test_what_works_again_and_another_incident_breaks_is_taken_back_while_it_is_watched() -> None:
    world = mail()
    world.fail("smtp")
    world.mend("smtp")
    world.fail("imap")
    assert words(world, "smtp")[-1] == (
        "Another problem affects Email now. Email is partly not working (not working: Receiving). "
        "What this incident is about has not come back."
    )
    world.mend("imap")
    world.tick(301)
    assert words(world, "smtp")[-1].startswith("No service is affected by this problem any more")


def test_a_capability_that_is_mended_and_fails_by_another_problem_is_taken_back() -> None:
    """Sending needs the queue too, which fails once the incident of the server has recovered."""
    needs = [need("smtp", "queue", at_least=2, label="Sending"), need("imap", label="Receiving")]
    world = well(World(topology([service("email", *needs)], stale_after=HOUR)))
    world.fail("smtp")
    world.fail("imap")
    world.mend("smtp")
    assert words(world, "smtp")[-1].startswith(
        "Our monitoring sees that Sending of Email works again. Another problem still affects Email."
    )
    world.fail("queue")
    assert words(world, "smtp")[-1] == (
        "Another problem affects Email now. Email is not working (not working: Sending and Receiving). "
        "What this incident is about has not come back."
    )


def test_what_an_agent_says_is_worse_is_another_problem() -> None:
    world = mail()
    world.fail("smtp")
    world.tick(60)
    world.act(act.open_incident, by="ada", name="All is down", services={"email": Status.MAJOR}, body="We know.")
    assert words(world, "smtp")[-1] == "Another problem affects Email too. Email is not working (not working: Sending; working: Receiving)."


def test_what_is_worse_for_a_cause_that_is_still_in_doubt_is_blamed_on_nobody() -> None:
    """Receiving fails while its parent has begun to fail too: nobody knows yet whose fault it is."""
    services = [service("email", need("smtp", label="Sending"), need("imap", label="Receiving"))]
    world = well(World(topology(services, {"imap": ("disk",)}, stale_after=HOUR)))
    world.fail("smtp")
    world.bad("imap")
    world.bad("disk", "imap")
    assert words(world, "smtp")[1:] == ["More is affected than we said before. Email is not working (not working: Sending and Receiving)."]


def test_growth_of_its_own_and_another_problem_are_told_together_and_apart() -> None:
    critical = service("email", need("smtp"), need("imap", critical=True))
    services = [critical, service("portal", need("web")), service("files", need("nfs"))]
    world = well(World(topology(services, dict.fromkeys(("smtp", "web", "nfs"), ("disk",)), stale_after=HOUR)))
    for part in ("disk", "smtp", "web"):
        world.fail(part)
    world.tick(30)
    world.mend("smtp")
    world.fail("nfs")
    world.fail("imap")
    world.tick(30)
    (third,) = words(world, "disk")[2:]
    assert third == (
        "The problem affects more than we said before. Portal is not working. Files is not working. "
        "Another problem affects Email too. Email is not working."
    )


def test_of_what_comes_and_goes_another_problem_is_not_told() -> None:
    world = mail()
    for _ in range(world.policy.flaps_at):
        world.fail("smtp")
        world.mend("smtp")
    said = len(words(world, "smtp"))
    world.fail("imap")
    world.tick(60)
    assert len(words(world, "smtp")) == said


# --- what works, and the first thirty seconds


def test_a_capability_that_was_said_to_work_is_taken_back_at_once_and_no_other_is_promised_then() -> None:
    needs = [need(id, label=label) for id, label in (("smtp", "Sending"), ("imap", "Receiving"), ("web", "Webmail"), ("cal", "Calendar"))]
    parents = dict.fromkeys(("smtp", "imap", "web", "cal"), ("disk",))
    world = well(World(topology([service("email", *needs)], parents, stale_after=HOUR)))
    world.fail("disk")
    for part in ("smtp", "imap", "web"):
        world.fail(part)
    first, second = words(world, "disk")
    assert "(not working: Sending; working: Receiving, Webmail and Calendar)" in first
    assert second == "The problem affects more than we said before. Email is partly not working (not working: Sending and Receiving)."
    world.tick(30)
    third = words(world, "disk")[2]
    assert third.endswith("Email is partly not working (not working: Sending, Receiving and Webmail; working: Calendar).")


def test_what_was_not_named_as_working_is_no_claim() -> None:
    """Nothing that is down has a name for customers, so that nothing beside it is named either."""
    world = well(World(topology([service("email", need("smtp"), need("imap", label="Receiving"), need("web"))], stale_after=HOUR)))
    world.fail("smtp")
    assert "Email is partly not working. We are" in words(world, "smtp")[0]
    assert not any(claim.endswith("operational") for claim in world.incident.told)
    world.fail("imap")
    assert len(words(world, "smtp")) == 1


def test_two_needs_that_are_one_capability_to_customers_are_told_as_one() -> None:
    needs = [need("one", label="Sending"), need("two", label="Sending"), need("imap", label="Receiving")]
    world = well(World(topology([service("email", *needs)], stale_after=HOUR)))
    world.bad("two", failure=Failure.SLOW)
    world.bad("two", failure=Failure.SLOW)
    world.fail("one")
    assert "(impaired: Sending; working: Receiving)" in words(world, "two")[0]
    assert "(not working: Sending; working: Receiving)" in words(world, "one")[0]


def test_labels_that_are_alike_in_one_language_are_one_capability() -> None:
    both = Need(of=("two",), label=MappingProxyType({"en": "Sending", "de": "Versand"}))
    email = service("email", need("one", label="Sending"), both)
    world = well(World(topology([email], stale_after=HOUR)))
    world.fail("one")
    assert claims.capable(world.situation, email) == []


def test_what_is_not_known_is_not_said_to_work() -> None:
    world = mail()
    for _ in range(2):
        world.bad("imap", failure=Failure.CRASHED)
    world.fail("smtp")
    assert "(not working: Sending)." in words(world, "smtp")[0]


def test_an_incident_that_comes_back_is_named_for_what_fails_now() -> None:
    services = [service("email", need("smtp", label="Sending"), need("imap", label="Receiving"))]
    world = well(World(topology(services, {"imap": ("smtp",)}, stale_after=HOUR)))
    for _ in range(2):
        world.bad("smtp", "imap")
    assert world.incident.name == "Email is not working"
    world.mend("smtp")
    world.mend("imap")
    world.fail("imap")
    newest = world.updates(world.incident.id)[-1]
    assert newest.title == "Email: Receiving not working – investigating"
    assert "not working: Receiving; working: Sending" in newest.body


def test_an_incident_is_published_under_the_name_of_what_fails_then() -> None:
    services = [service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), publish_after=MINUTE)]
    world = well(World(topology(services, {"imap": ("smtp",)}, stale_after=HOUR)))
    for _ in range(2):
        world.bad("smtp", "imap")
    world.mend("smtp")
    world.tick(60)
    (first,) = world.updates(world.incident.id)
    assert first.title == "Email: Receiving not working – investigating"


def test_words_that_are_due_while_nothing_is_known_say_no_more_than_that() -> None:
    world = mail(publish_after=MINUTE)
    world.fail("smtp")
    for _ in range(2):
        world.bad("smtp", failure=Failure.CRASHED)
    world.tick(60)
    assert words(world, "smtp") == ["Our monitoring has noticed a problem. We are looking into it."]


# --- claims


def test_an_incident_that_an_older_release_told_has_not_grown_by_that() -> None:
    world = mail()
    world.fail("smtp")
    id = world.incident.id
    old = frozenset({"email", *(f"email/0={status}" for status in ("degraded_performance", "partial_outage", "major_outage"))})
    known = {id: replace(world.incident, told=old)}
    world.situation = replace(world.situation, incidents=MappingProxyType(known))
    assert world.tick(60) == ()
    world.fail("imap")
    world.tick(60)
    assert len(world.updates(id)) == 2


@pytest.mark.parametrize(
    ("told", "new", "left"),
    [
        ({"email", "email/0=major_outage"}, {"email/0=operational"}, {"email", "email/0=operational"}),
        ({"email/1=operational"}, {"email/0=major_outage"}, {"email/0=major_outage"}),
        ({"email/0=major_outage"}, {"email/0=degraded_performance"}, {"email/0=degraded_performance"}),
        ({"email", "email/0=major_outage"}, {"portal"}, {"email", "email/0=major_outage", "portal"}),
    ],
)
def test_the_newest_words_on_a_subject_are_the_claim(told: set[str], new: set[str], left: set[str]) -> None:
    assert claims.added(frozenset(told), new) == left


def test_claims_of_what_is_gone_from_the_file_are_not_disproved() -> None:
    world = mail()
    told = {"fax=operational", "fax/0=operational", "email/7=operational", "email=operational", "email/0=operational"}
    assert claims.disproved(world.situation, told) == frozenset()
    world.fail("smtp")
    assert claims.disproved(world.situation, told) == {"email=operational", "email/0=operational"}


def test_a_persons_words_take_back_what_the_machine_said_to_work() -> None:
    world = mail()
    world.fail("smtp")
    assert "email/1=operational" in world.incident.told
    world.act(act.update, incident=world.incident.id, by="ada", body="We are on it.")
    assert "email/1=operational" not in world.incident.told


def test_words_are_read_as_they_are_meant() -> None:
    """What the truths of the random engine read out of words, by example."""
    world = two_services()
    body = (
        "Another problem affects Email and Portal too. Email is partly not working (not working: Sending; working: Receiving). "
        "Our monitoring sees that Portal and Sending of Email work again."
    )
    assert list(sentences(world.situation, body)) == [
        Sentence(service="email", said=Status.PARTIAL),
        Sentence(service="email", said=Status.MAJOR, capability="Sending"),
        Sentence(service="email", said=Status.OPERATIONAL, capability="Receiving"),
        Sentence(service="portal", said=Status.OPERATIONAL),
        Sentence(service="email", said=Status.OPERATIONAL, capability="Sending"),
        Sentence(service="email", said=None),
        Sentence(service="portal", said=None),
    ]


def test_german_words_are_read_as_they_are_meant() -> None:
    world = two_services()
    body = (
        "Auch ein anderes Problem betrifft Email und Portal. Email: Teilausfall (ausgefallen: Sending; in Ordnung: Receiving). "
        "Laut unserer Überwachung wieder in Ordnung: Portal und Sending (Email)."
    )
    told = Sentence(service="email", said=Status.MAJOR, capability="Sending")
    assert list(sentences(world.situation, body, GERMAN)) == [
        Sentence(service="email", said=Status.PARTIAL),
        told,
        Sentence(service="email", said=Status.OPERATIONAL, capability="Receiving"),
        Sentence(service="portal", said=Status.OPERATIONAL),
        Sentence(service="email", said=Status.OPERATIONAL, capability="Sending"),
        Sentence(service="email", said=None),
        Sentence(service="portal", said=None),
    ]
    over = "Email und Portal: seit 08:42 UTC wieder in Ordnung, nach 42 min. Ein anderes Problem betrifft weiterhin Portal."
    assert [(one.service, one.said) for one in sentences(world.situation, over, GERMAN)] == [
        ("email", Status.OPERATIONAL),
        ("portal", Status.OPERATIONAL),
        ("portal", None),
    ]


def test_policy_says_how_long_the_machine_keeps_quiet() -> None:
    world = World(topology([service("email", need("smtp"), need("imap"))], stale_after=HOUR), Policy(says_more_after=2 * MINUTE))
    well(world)
    world.fail("smtp")
    world.fail("imap")
    world.tick(60)
    assert [event.update.number for event in world.events if isinstance(event, Updated)] == [1, 1]
    world.tick(60)
    assert len(words(world, "smtp")) == 2


# --- by chance

BILINGUAL = Policy(voices=voices_of("en", ("en", "de"), templates() / "languages"))
PARTS = ("disk", "smtp", "imap", "web")
SHAPE = topology(
    [
        service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), need("web", "imap", label="Reading")),
        service("portal", need("web", label="Sign in"), need("disk", critical=True)),
        service("files", need("disk", label="Sharing"), need("smtp"), publish_after=MINUTE),
    ],
    {"web": ("disk",), "smtp": ("disk",)},
    stale_after=HOUR,
)
DEEDS = st.tuples(
    st.sampled_from([*PARTS, "nothing"]),
    st.sampled_from([None, Failure.REFUSED, Failure.SLOW, Failure.CRASHED]),
    st.sampled_from([1, 31, 400]),
)


@given(st.lists(DEEDS, min_size=3, max_size=25))
def the_page_and_the_words_agree(deeds: list[tuple[str, Failure | None, int]]) -> None:
    world = well(World(SHAPE, BILINGUAL))
    newest: dict[str, Update] = {}
    for part, failure, wait in deeds:
        before, told = world.situation, len(world.events)
        if part == "nothing":
            world.tick(wait)
        else:
            for _ in range(1 if wait == 1 else 2):
                world.hear(world.result(part, failure))
        for event in world.events[told:]:
            before = fold(before, (event,))
            if isinstance(event, Updated):
                truths.automatic_words_say_what_the_page_shows(before, event)
                truths.every_language_says_the_same(before, event)
                assert event.update.bodies, "said in one language alone"
                newest[event.incident] = event.update
        truths.newest_words_promise_nothing_better_than_is_shown(world.situation, newest, world.now - 3 * SECOND, world.policy)


def test_public_words_say_what_the_page_shows_whatever_breaks_and_mends(is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    often(is_soak=is_soak, few=400)(the_page_and_the_words_agree)()
