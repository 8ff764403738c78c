from importlib.metadata import EntryPoint

import pytest

from probes import catalog, tcp
from probes.catalog import KINDS, BrokenKind, kinds
from probes.kind import ProbeKind

STRANGER = ProbeKind(name="stranger", summary="", settings=tcp.Settings, measure=tcp.measure, target=tcp.target)


def installed(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    """Pretend that packages with these entry points are installed."""
    entries = [EntryPoint(name=f"e{number}", value=value, group=catalog.GROUP) for number, value in enumerate(values)]
    monkeypatch.setattr(catalog, "entry_points", lambda *, group: [entry for entry in entries if entry.group == group])


def test_the_kinds_are_these() -> None:
    assert " ".join(KINDS) == (
        "tcp tls udp http websocket smtp imap pop3 mail_roundtrip webmail mail_posture dns icmp ntp domain prometheus "
        "statuspage grpc ssh postgresql mysql redis ldap plugin heartbeat"
    )
    assert [name for name, kind in KINDS.items() if kind.measure is None] == ["heartbeat"]


def test_settings_of_every_kind_are_frozen_and_refuse_keys_that_do_not_exist() -> None:
    for kind in KINDS.values():
        assert kind.settings.model_config.get("frozen") is True
        assert kind.settings.model_config.get("extra") == "forbid"


def test_a_third_partys_kind_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, f"{__name__}:STRANGER")
    monkeypatch.setattr("importlib.metadata.EntryPoint.load", lambda _: STRANGER)
    assert kinds()["stranger"] is STRANGER
    assert "stranger" not in KINDS


def test_a_name_that_is_taken_is_refused_and_says_by_whom_it_was_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "probes.http:KIND")
    with pytest.raises(BrokenKind, match=r"e0 = probes\.http:KIND.*'http'.*exists already"):
        kinds()


@pytest.mark.parametrize("value", ["no_such_package:KIND", "probes.tcp:NO_SUCH_NAME", "probes.tcp:measure"])
def test_a_kind_that_is_broken_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    installed(monkeypatch, value)
    with pytest.raises(BrokenKind, match=f"e0 = {value}"):
        kinds()
