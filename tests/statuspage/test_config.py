import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from incidents.heartbeat import Every, Heartbeat
from incidents.model import Need, Severity
from probes import tcp
from probes.catalog import KINDS
from probes.cron import Cron
from probes.heartbeat import digest
from probes.mail_roundtrip import Settings as RoundTrip
from probes.settings import Secret
from probes.smtp import Settings as Smtp
from statuspage.config import loading
from statuspage.config.loading import Config, ConfigError, Loaded, load, plans, tokens, topology
from statuspage.config.watched import Monitor

HERE = Path(__file__).parent
CONTRACT = HERE / "contract" / "config.yaml"
MINIMAL = HERE / "contract" / "minimal.yaml"
EXAMPLES = HERE.parent.parent / "config" / "examples"
PASSWORD = {"PROBE_PASSWORD": "correct horse battery"}
FULL = {"RELAY_PASSWORD": "r1", "PROBER_PASSWORD": "p1", "COPY_TOKEN": "c1", "MAIL_TEAM_CHAT": "json://127.0.0.1/t1"}
SITE = 'site: {name: Example, url: "http://127.0.0.1:8080"}\n'


def loaded(tmp_path: Path, text: str, **environ: str) -> Loaded:
    file = tmp_path / "statuspage.yaml"
    file.write_text(SITE + text, encoding="utf-8")
    return load(file, environ)


def refused(path: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return [str(problem).replace(f"{path}/", "").replace(f"{path}", path.name) for problem in caught.value.problems]


# --- the contract's files -----------------------------------------------------------------------------------------------------


def test_the_long_contract_loads_without_a_warning() -> None:
    whole = load(CONTRACT, PASSWORD)
    assert whole.warnings == ()
    assert list(whole.config.services) == ["email", "portal", "intranet"]


def test_the_long_contract_becomes_a_topology() -> None:
    found = topology(load(CONTRACT, PASSWORD).config)
    assert found.services["email"].name == {"en": "Email", "de": "E-Mail"}
    assert found.services["intranet"].name == {"en": "Intranet"}
    assert found.services["email"].needs == (
        Need(of=("outgoing-mail",), label={"en": "Sending"}),
        Need(of=("mailboxes",), label={"en": "Receiving"}),
        Need(of=("webmail-a", "webmail-b"), at_least=1, label={"en": "Webmail"}),
    )
    assert found.services["portal"].needs == (Need(of=("portal-web",)),)
    assert found.services["intranet"].needs == (Need(of=("webmail-b", "portal-web"), at_least=1),)
    assert found.components["outgoing-mail"].depends_on == ("storage",)
    assert found.monitors["portal-home"].fails_after == 3
    assert found.monitors["round-trip"].stale_after == timedelta(seconds=3 * 60 + 45)


def test_the_long_contract_gives_a_plan_for_each_monitor_that_measures() -> None:
    made = {plan.monitor: plan for plan in plans(load(CONTRACT, PASSWORD).config)}
    assert list(made) == [
        "submission", "reading", "round-trip", "webmail-a-login", "webmail-b-port", "portal-home", "storage-port",
    ]  # fmt: skip
    assert (made["storage-port"].every, made["storage-port"].timeout, made["storage-port"].recheck) == (10.0, 10.0, 3.0)
    settings = made["submission"].settings
    assert isinstance(settings, Smtp)
    assert settings.login is not None
    assert (settings.login.user, settings.login.password) == ("probe@example.net", Secret("correct horse battery"))
    trip = made["round-trip"].settings
    assert isinstance(trip, RoundTrip)
    assert trip.deliver_within == timedelta(seconds=30)
    assert trip.read.login is not None
    assert trip.read.login.user == "inbox@example.net"


def test_a_monitor_that_only_listens_is_judged_and_never_probed() -> None:
    config = load(CONTRACT, PASSWORD).config
    judged = topology(config).monitors["nightly-backup"]
    assert judged.heartbeat == Heartbeat(rhythm=Every(gap=timedelta(hours=24)), grace=timedelta(hours=1), finish_within=timedelta(hours=1))
    assert (judged.fails_after, judged.recovers_after, judged.severity) == (1, 1, Severity.WARNING)
    assert judged.stale_after == timedelta(hours=25)
    assert "nightly-backup" not in {plan.monitor for plan in plans(config)}
    assert tokens(config) == {digest("correct horse battery"): "nightly-backup"}


def test_a_schedule_takes_the_place_of_every_in_its_zone_or_the_sites(tmp_path: Path) -> None:
    text = """
  timezone: Europe/Berlin
monitors:
  here: {probe: heartbeat, schedule: "15 2 * * *", grace: 1h, token: {env: ONE}}
  there: {probe: heartbeat, schedule: "* * * * *", timezone: Asia/Tokyo, grace: 0s, finish_within: 30s, token: {env: TWO}}
"""
    file = tmp_path / "statuspage.yaml"
    file.write_text('site:\n  name: Example\n  url: "http://127.0.0.1:8080"' + text, encoding="utf-8")
    found = topology(load(file, {"ONE": "1", "TWO": "2"}).config).monitors
    assert found["here"].heartbeat == Heartbeat(
        rhythm=Cron(expression="15 2 * * *", timezone="Europe/Berlin"),
        grace=timedelta(hours=1),
        finish_within=timedelta(hours=1),
        early=timedelta(minutes=1),
    )
    assert found["there"].heartbeat == Heartbeat(
        rhythm=Cron(expression="* * * * *", timezone="Asia/Tokyo"),
        grace=timedelta(0),
        finish_within=timedelta(seconds=30),
        early=timedelta(seconds=30),
    )
    assert (found["here"].stale_after, found["there"].stale_after) == (timedelta(hours=25), timedelta(minutes=1))


def test_defaults_say_nothing_of_how_often_a_heartbeat_must_fail_and_it_may_say_so_itself(tmp_path: Path) -> None:
    text = """
defaults: {monitor: {fails_after: 4, recovers_after: 5, locations: [far]}}
locations: {far: {}}
monitors:
  once: {probe: heartbeat, every: 1h, token: {env: ONE}}
  twice: {probe: heartbeat, every: 1h, fails_after: 2, recovers_after: 3, token: {env: TWO}}
"""
    found = topology(loaded(tmp_path, text, ONE="1", TWO="2").config).monitors
    assert [(found[name].fails_after, found[name].recovers_after) for name in ("once", "twice")] == [(1, 1), (2, 3)]
    assert found["once"].locations == ("local",)


def test_a_quorum_is_asked_of_a_monitor_or_of_all_and_never_of_a_heartbeat(tmp_path: Path) -> None:
    text = """
defaults: {monitor: {quorum: 2, locations: [local, oslo]}}
locations: {oslo: {}}
monitors:
  all: {probe: tcp, host: 127.0.0.1, port: 80}
  own: {probe: tcp, host: 127.0.0.1, port: 80, quorum: 1}
  pinged: {probe: heartbeat, every: 1h, token: {env: ONE}}
"""
    found = topology(loaded(tmp_path, text, ONE="1").config).monitors
    assert [found[name].quorum for name in ("all", "own")] == [2, 1]


def test_tokens_that_cannot_be_looked_up_are_told_once_each_and_are_not_the_same(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    lines = (f"  {name}: {{probe: heartbeat, every: 1h, token: {{env: {name.upper()}}}}}\n" for name in ("one", "two"))
    file.write_text(SITE + "monitors:\n" + "".join(lines), encoding="utf-8")
    assert [problem.split(": ")[1] for problem in refused(file)] == ["monitors.one.token", "monitors.two.token"]


def test_the_long_contract_is_told_what_is_not_active_yet() -> None:
    named = " | ".join(load(CONTRACT, PASSWORD).inactive)
    assert "owners and runbooks" in named
    for word in ("hours of teams", "escalation", "backup"):
        assert word not in named
    assert "mail" not in named
    assert "notify_after" not in named
    assert "locations" not in named
    assert "heartbeat" not in named
    assert "maintenance windows" not in named


def test_the_short_contract_makes_components_and_monitors_from_services() -> None:
    whole = load(MINIMAL, {})
    found = topology(whole.config)
    assert whole.warnings == ()
    assert whole.inactive == ()
    assert list(found.components) == ["website", "email"]
    assert list(found.monitors) == ["website-http", "email-smtp", "email-imap"]
    assert found.monitors["email-imap"].component == "email"
    assert found.services["email"].needs == (Need(of=("email",)),)


def test_defaults_of_the_short_contract() -> None:
    config = load(MINIMAL, {}).config
    assert tuple(config.listen.public) == ("127.0.0.1", 8080)
    assert tuple(config.listen.internal) == ("127.0.0.1", 8081)
    assert config.console.url == "http://127.0.0.1:8081"
    assert config.store.url == "sqlite:///statuspage.db"
    assert config.acknowledgement.lasts == timedelta(minutes=30)
    assert list(config.locations) == ["local"]


@pytest.mark.parametrize("name", ["minimal.yaml", "full.yaml"])
def test_examples_load_without_a_warning(name: str) -> None:
    assert load(EXAMPLES / name, FULL).warnings == ()


# --- defaults, names and inline monitors --------------------------------------------------------------------------------------


def test_defaults_reach_every_monitor_and_its_own_word_counts_more(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
defaults: {monitor: {every: 20s, timeout: 4s, fails_after: 5, severity: degraded}}
services: {web: {monitors: [{probe: tcp, host: 127.0.0.1, port: 80}]}}
monitors: {own: {probe: tcp, host: 127.0.0.1, port: 80, every: 1m, fails_after: 1, stale_after: 1h}}
""",
    ).config
    inline, own = config.monitors["web-tcp"], config.monitors["own"]
    assert (inline.every, inline.timeout, inline.fails_after, inline.severity) == (
        timedelta(seconds=20), timedelta(seconds=4), 5, Severity.DEGRADED,
    )  # fmt: skip
    assert (inline.stale_after, own.stale_after) == (timedelta(seconds=64), timedelta(hours=1))
    assert (own.every, own.timeout, own.fails_after) == (timedelta(minutes=1), timedelta(seconds=4), 1)


def test_inline_monitors_of_one_kind_are_numbered_past_ids_that_are_taken(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
services: {web: {monitors: [{probe: tcp, host: 127.0.0.1, port: 80}, {probe: tcp, host: 127.0.0.1, port: 81}]}}
monitors: {web-tcp-2: {component: web, probe: tcp, host: 127.0.0.1, port: 82}}
""",
    ).config
    assert list(config.monitors) == ["web-tcp-2", "web-tcp", "web-tcp-3"]
    assert {monitor.component for monitor in config.monitors.values()} == {"web"}


def test_a_monitor_without_a_component_makes_one_of_its_own_id(tmp_path: Path) -> None:
    found = topology(loaded(tmp_path, "monitors: {big-disk: {probe: tcp, host: 127.0.0.1, port: 80}}").config)
    assert found.components["big-disk"].name == "Big disk"
    assert found.monitors["big-disk"].component == "big-disk"


def test_a_critical_need_and_a_language_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(
        "site: {name: Beispiel, url: http://127.0.0.1, language: de}\n"
        "services: {web: {name: Netz, needs: [{component: a, critical: true, as: Lesen}]}}\ncomponents: {a: {}}\n",
        encoding="utf-8",
    )
    service = topology(load(file, {}).config).services["web"]
    assert service.name == {"de": "Netz"}
    assert service.needs == (Need(of=("a",), label={"de": "Lesen"}, critical=True),)


def test_a_monitor_is_probed_only_from_locations_that_somebody_serves(tmp_path: Path) -> None:
    whole = loaded(
        tmp_path,
        """
locations: {paris: {}}
monitors:
  both: {probe: tcp, host: 127.0.0.1, port: 80, locations: [local, paris]}
  away: {probe: tcp, host: 127.0.0.1, port: 80, locations: [paris]}
""",
    )
    assert [(plan.monitor, plan.location) for plan in plans(whole.config)] == [("both", "local")]
    assert {name: monitor.locations for name, monitor in topology(whole.config).monitors.items()} == {"both": ("local",)}
    assert whole.inactive == ("locations other than local",)


def test_the_console_is_linked_where_it_listens(tmp_path: Path) -> None:
    assert loaded(tmp_path, 'listen: {internal: "0.0.0.0:9000"}').config.console.url == "http://127.0.0.1:9000"
    assert loaded(tmp_path, 'console: {url: "https://desk.example/"}').config.console.url == "https://desk.example"


def test_networks_and_addresses_are_read(tmp_path: Path) -> None:
    config = loaded(tmp_path, 'egress: {allow: [10.0.0.0/8, "::1/128"]}\nlisten: {public: "[::1]:0", metrics: 127.0.0.1:9}').config
    assert config.egress.allow == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert config.listen.public == ("::1", 0)
    assert config.listen.metrics == ("127.0.0.1", 9)


# --- secrets ------------------------------------------------------------------------------------------------------------------


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n", encoding="utf-8")
    text = """
store: {url: {env: STORE}}
teams: {desk: {notify: [{env: CHAT}]}}
credentials: {a: {user: a, password: {env: PASSWORD}}, b: {user: b, password: {file: token}}}
monitors: {mail: {probe: smtp, host: 127.0.0.1, port: 25, login: b, tls: starttls}}
"""
    whole = loaded(tmp_path, text, STORE="postgresql+psycopg://u:from-a-url@h/d", CHAT="json://from-chat/x", PASSWORD="from-env")
    assert whole.config.credentials["b"].password.reveal() == "from-a-file"
    assert whole.config.store.url == "postgresql+psycopg://u:from-a-url@h/d"
    assert whole.config.teams["desk"].notify == ("json://from-chat/x",)
    assert "from-" not in f"{whole}{whole.config!r}{plans(whole.config)}"


def test_a_configuration_is_kept_without_its_secrets() -> None:
    whole = load(CONTRACT, PASSWORD)
    assert whole.text == CONTRACT.read_text(encoding="utf-8")
    assert len(whole.digest) == 64
    assert load(CONTRACT, {"PROBE_PASSWORD": "another"}).digest == whole.digest


def test_an_empty_secret_file_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "c.yaml").write_text(
        SITE + "credentials:\n  a: {user: a, password: {file: empty}}\n  b: {user: b, password: {file: bytes}}\n", encoding="utf-8"
    )
    empty, binary = refused(tmp_path / "c.yaml")
    assert "the secret's file is empty" in empty
    assert "not UTF-8" in binary


# --- directories --------------------------------------------------------------------------------------------------------------


def test_a_directory_is_one_configuration(tmp_path: Path) -> None:
    (tmp_path / "10-site.yaml").write_text(SITE + "services: {web: {needs: [a]}}\n", encoding="utf-8")
    (tmp_path / "20-parts.yaml").write_text("components: {a: {}}\nservices: {mail: {needs: [a]}}\ndefaults:\n", encoding="utf-8")
    (tmp_path / ".hidden.yaml").write_text("{", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("{", encoding="utf-8")
    whole = load(tmp_path, {})
    assert list(whole.config.services) == ["web", "mail"]
    assert "# --- 20-parts.yaml" in whole.text


def test_a_key_in_two_files_is_refused_with_both_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SITE + "services:\n  web: {}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("site: {name: Other}\nservices:\n  web: {}\n", encoding="utf-8")
    assert refused(tmp_path) == [
        "b.yaml:1:8: site.name: stands in two files; keep it here or in a.yaml, line 1",
        "b.yaml:3:3: services.web: stands in two files; keep it here or in a.yaml, line 3",
    ]


def test_problems_of_two_files_name_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SITE + "services: {web: {needs: [gone]}}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("components: {x: {depends_on: [lost]}}\n", encoding="utf-8")
    assert [problem.partition(": there")[0] for problem in refused(tmp_path)] == [
        "a.yaml:2:26: services.web.needs[0]",
        "b.yaml:1:31: components.x.depends_on[0]",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "x.yaml: cannot be read: No such file or directory"),
        (b"site: {name: \xff}", "x.yaml:1:14: is not UTF-8 here; save the file as UTF-8"),
        (b"", "x.yaml:1:1: site: `site` is missing here; write it"),
        (b"#" * (4 * 1024 * 1024 + 1), "x.yaml: is larger than 4 MiB; split it into a directory of files"),
    ],
    ids=["missing", "latin-1", "empty", "huge"],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / "x.yaml").write_bytes(content)
    assert refused(tmp_path / "x.yaml") == [told]


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    assert "holds no file named *.yaml" in refused(tmp_path)[0]


# --- what it costs ------------------------------------------------------------------------------------------------------------


def test_holidays_and_formulas_are_loaded_only_by_those_who_use_them() -> None:
    program = (
        "import sys; from pathlib import Path; from statuspage.config.loading import load; load(Path(sys.argv[1]), {});"
        "print([name for name in ('cel', 'holidays', 'dateutil', 'sqlalchemy', 'apprise') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", program, str(MINIMAL)], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[]"


def test_the_whole_is_a_value() -> None:
    config = load(MINIMAL, {}).config
    assert isinstance(config, Config)
    with pytest.raises(ValueError, match="frozen"):
        config.site.name = "Other"


def test_no_kind_takes_a_key_that_every_monitor_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [kind.name for kind in KINDS.values() if Monitor.model_fields.keys() & kind.settings.model_fields.keys()] == []

    class Shadowing(tcp.Settings):
        every: int = 5

    strange = replace(tcp.KIND, name="strange", settings=Shadowing)
    monkeypatch.setattr(loading, "kinds", lambda: {"tcp": tcp.KIND, "strange": strange})
    with pytest.raises(ConfigError, match="'strange' cannot be used: its setting 'every' is a key that every monitor has"):
        loaded(tmp_path, "")
