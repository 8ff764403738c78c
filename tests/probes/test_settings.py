from datetime import timedelta

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from probes.settings import Duration, Host, Line, Login, Port, PositiveDuration, Secret, authority, host_and_port, spelled

DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)
HOST: TypeAdapter[str] = TypeAdapter(Host)


class Keeper(BaseModel):
    login: Login
    token: Secret


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("10s", timedelta(seconds=10)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("14d", timedelta(days=14)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_a_number_and_its_unit(text: str, span: timedelta) -> None:
    assert DURATION.validate_python(text) == span
    assert DURATION.validate_python(span) == span
    assert spelled(span) == text


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "-5s", "1.5h", "5M", "1h30m", "\u0661s", "999999999d", 10, None, True])
def test_anything_else_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValidationError, match=r"500ms, 10s, 5m, 2h or 14d|100 years"):
        DURATION.validate_python(text)


def test_a_positive_duration_is_not_zero() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveDuration).validate_python("0s")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("mail.example.net", "mail.example.net"),
        ("mail.example.net.", "mail.example.net."),
        ("localhost", "localhost"),
        ("_sip.example.net", "_sip.example.net"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_a_name_or_an_address(text: str, kept: str) -> None:
    assert HOST.validate_python(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://example.net",
        "example.net/path",
        "example.net:25",
        "a b",
        "a\nb",
        "a\x00b",
        "ann@example.net",
        "example..net",
        "-a.example",
        "a" * 64 + ".example",
        ".".join(["abcdefgh"] * 32),
        "127.1",
        "300.1.2.3",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "1。2。3",
        "fe80::1%eth0",
        "*.example.net",
    ],
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        HOST.validate_python(text)


@pytest.mark.parametrize("port", [0, 65536, -1, "25", 25.0, True])
def test_a_port_is_a_whole_number_from_1_to_65535(port: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Port).validate_python(port)


@pytest.mark.parametrize(
    ("typed", "default", "meant"),
    [
        ("mail.example.net:587", 25, ("mail.example.net", 587)),
        ("mail.example.net", 25, ("mail.example.net", 25)),
        ("::1", 25, ("::1", 25)),
        ("[::1]", 25, ("::1", 25)),
        ("[::1]:587", None, ("::1", 587)),
    ],
)
def test_a_typed_place_is_taken_apart(typed: str, default: int | None, meant: tuple[str, int]) -> None:
    assert host_and_port(typed, default) == meant


@pytest.mark.parametrize("typed", ["mail.example.net", ":25", "a:0", "a:x", "a:99999", "a:²", "::1", "http://a:1"])
def test_a_typed_place_without_a_sensible_port_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"PORT|host"):
        host_and_port(typed)


def test_an_ipv6_address_stands_in_brackets_before_a_port() -> None:
    assert authority("::1", 25) == "[::1]:25"
    assert authority("localhost", 25) == "localhost:25"


def test_a_secret_shows_itself_only_when_asked() -> None:
    keeper = Keeper.model_validate({"login": {"user": "ann", "password": "geheim"}, "token": "t0ken"})
    assert keeper.login.password.reveal() == "geheim"
    shown = f"{keeper} {keeper!r} {keeper.model_dump()} {keeper.model_dump_json()} {keeper.token}"
    assert "geheim" not in shown
    assert "t0ken" not in shown
    assert keeper.model_dump_json() == '{"login":{"user":"ann","password":"***"},"token":"***"}'


def test_secrets_compare_by_what_they_hold_so_that_a_reload_notices_a_new_password() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_an_error_does_not_quote_the_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"user": "", "password": "geheim"})
    assert "geheim" not in str(caught.value)


def test_editors_are_told_to_write_references_and_names() -> None:
    whole = Keeper.model_json_schema()
    schema = whole["properties"]
    assert [list(kind["properties"]) for kind in schema["token"]["oneOf"]] == [["env"], ["file"]]
    assert whole["$defs"]["Login"]["type"] == "string"


@pytest.mark.parametrize("text", ["a\r\nRCPT TO:<b>", "a\x00", "\x7f", ""])
def test_a_line_holds_no_line_end_and_no_control_character(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(text)
