from pathlib import Path

import pytest

from statuspage.config.loading import load
from statuspage.readings import site_of

SITE = "site: {name: Example, url: http://127.0.0.1}\n"
WATCHED = """
monitors:
  a: {probe: tcp, host: 127.0.0.1, port: 81}
  b: {probe: tcp, host: 127.0.0.1, port: 82}
  c: {probe: smtp, host: 127.0.0.1, port: 25}
"""


def warned(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "x.yaml"
    file.write_text(SITE + text, encoding="utf-8")
    return [str(warning).removeprefix(f"{file}:") for warning in load(file, {}).warnings]


def test_a_tier_that_notifies_nobody(tmp_path: Path) -> None:
    text = "teams: {one: {}, two: {notify: ['json://127.0.0.1']}}\nservices: {x: {needs: [a], tiers: [one, two]}}\n"
    assert warned(tmp_path, text + WATCHED) == [
        "3:36: services.x.tiers[0]: this team has nowhere to be notified; give notify to it, or to those of its on_call (found 'one')"
    ]


def test_a_component_that_nobody_watches_and_a_service_that_needs_nothing(tmp_path: Path) -> None:
    assert warned(tmp_path, "services: {x: {}}\ncomponents: {lonely: {}}\n") == [
        "2:12: services.x: needs nothing and has no monitors; its status will be unknown",
        "3:14: components.lonely: no monitor watches it; its status will be unknown",
    ]


def test_inline_monitors_that_the_needs_forget(tmp_path: Path) -> None:
    text = "services: {x: {needs: [a], monitors: [{probe: tcp, host: 127.0.0.1, port: 80}]}}\n"
    assert warned(tmp_path, text + WATCHED) == ["2:28: services.x.monitors: watch the component x, which its needs do not name"]


def test_a_page_without_services(tmp_path: Path) -> None:
    assert warned(tmp_path, "") == ["1:1: services: there are no services; the page will be empty"]


WINDOW = "maintenance: {w: {components: [%s], services: [%s], starts: '2026-01-04 02:00', lasts: 1h}}\n"
DEPENDS = "components: {a: {depends_on: [b]}, b: {depends_on: [c]}, c: {}}\nservices: {x: {needs: [%s]}}\n"


@pytest.mark.parametrize(
    ("needs", "components", "through"),
    [
        ("a", "a", "a"),
        ("a", "c", "a"),
        ("{at_least: 2, of: [a, b]}", "a", "a"),
        ("{any: [a, b]}", "c", "a, b"),
    ],
    ids=["itself", "what it depends on", "one of two that are needed", "both of either"],
)
def test_a_window_that_hits_a_service_it_does_not_declare(tmp_path: Path, needs: str, components: str, through: str) -> None:
    (told,) = warned(tmp_path, DEPENDS % needs + WINDOW % (components, "") + WATCHED)
    assert f"this window hits the service x (through {through}), which it does not declare; its downtime will count" in told


@pytest.mark.parametrize(
    ("needs", "components", "services"),
    [("a", "c", "x"), ("c", "a", ""), ("{any: [a, c]}", "a", ""), ("{at_least: 2, of: [a, b, c]}", "a", "")],
    ids=["declared", "a dependant of what it needs", "the other of either", "one to spare"],
)
def test_a_window_that_leaves_the_service_working_is_no_warning(tmp_path: Path, needs: str, components: str, services: str) -> None:
    assert warned(tmp_path, DEPENDS % needs + WINDOW % (components, services) + WATCHED) == []


MAIL = "mail: {host: 127.0.0.1, port: %d, from: a@example.net}\nservices: {post: {needs: [c]}, web: {needs: [a]}}\n"


def test_notices_about_mail_that_travel_through_that_mail(tmp_path: Path) -> None:
    (told,) = warned(tmp_path, MAIL % 25 + WATCHED)
    assert told.startswith("2:14: mail.host: notices travel through post, the service they would tell about")
    assert warned(tmp_path, MAIL % 2525 + WATCHED) == []


def test_a_round_trip_s_servers_count_too(tmp_path: Path) -> None:
    text = """
mail: {host: mx.example.net, port: 587, from: a@example.net}
credentials: {p: {user: p, password: {file: secret}}}
services:
  post:
    monitors:
      - probe: mail_roundtrip
        every: 60s
        timeout: 40s
        deliver_within: 30s
        send: {host: MX.example.net, port: 587, tls: starttls, login: p, mail_from: a@example.net, rcpt_to: a@example.net}
        read: {host: mx.example.net, port: 993, tls: implicit, login: p}
"""
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    assert len(warned(tmp_path, text)) == 1


@pytest.mark.parametrize(
    ("mail", "is_told"),
    [
        ("host: smtp.example.net, tls: never, login: it", True),
        ("host: 192.0.2.1, tls: never, login: it", True),
        ("host: smtp.example.net, tls: never", False),
        ("host: smtp.example.net, tls: starttls, login: it", False),
        ("host: 127.0.0.1, tls: never, login: it", False),
        ("host: localhost, tls: never, login: it", False),
    ],
)
def test_a_login_for_mail_that_everybody_on_the_way_can_read(tmp_path: Path, mail: str, is_told: bool) -> None:  # noqa: FBT001 - the expectation
    (tmp_path / "password").write_text("swordfish", encoding="utf-8")
    login = f"credentials: {{it: {{user: it, password: {{file: {tmp_path}/password}}}}}}\n"
    text = f"services: {{x: {{needs: [a, b, c]}}}}\nmail: {{{mail}, from: it@example.net}}\n{login}"
    told = [line for line in warned(tmp_path, text + WATCHED) if "crosses the network" in line]
    assert bool(told) is is_told


def test_a_language_in_which_the_page_has_no_words(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    site = "site: {name: A, url: http://127.0.0.1, language: fr-CH, languages: [fr-CH, de-AT, it]}"
    file.write_text(f"{site}\nservices: {{}}\n", encoding="utf-8")
    told = [str(warning).removeprefix(f"{file}:") for warning in load(file, {}).warnings if ": site." in str(warning)]
    sentence = "the page has no words in this language; its own will be in English"
    assert told == [f"1:50: site.language: {sentence} (found 'fr-CH')", f"1:83: site.languages[2]: {sentence} (found 'it')"]


@pytest.mark.parametrize(
    ("site", "readable"),
    [
        ("", ("en", "de")),
        (", language: de", ("de", "en")),
        (", language: de-AT", ("de-AT", "en")),
        (", language: fr", ("fr", "en", "de")),
        (", languages: [en]", ()),
        (", language: de, languages: [de, fr]", ("de", "fr")),
    ],
)
def test_a_page_can_be_read_in_all_that_it_speaks_unless_the_file_names_less(tmp_path: Path, site: str, readable: tuple[str, ...]) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"site: {{name: A, url: http://127.0.0.1{site}}}\nservices: {{x: {{}}}}\n", encoding="utf-8")
    assert site_of(load(file, {}).config).languages == readable


@pytest.mark.parametrize(("to", "is_told"), [("mirror", True), ("../www", True), ("/srv/www/status", False)])
def test_a_mirror_that_no_host_may_read(tmp_path: Path, to: str, is_told: bool) -> None:  # noqa: FBT001 - the expectation
    told = [
        line for line in warned(tmp_path, f"services: {{x: {{needs: [a, b, c]}}}}\nmirror: {{to: {to}}}\n{WATCHED}") if "mirror.to" in line
    ]
    assert bool(told) is is_told
