"""What apprise is handed: URLs that may be used, and texts that no service takes for anything but texts."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from apprise import NotifyFormat
from apprise.manager_plugins import NotificationManager
from apprise.plugins.base import NotifyBase
from hypothesis import given
from hypothesis import strategies as st

from probes.settings import Secret
from statuspage import announcing
from statuspage.announcer import ALWAYS_MARKED, FROM_FILES, ON_THIS_MACHINE, fitted, harmless, marked, service_of
from statuspage.announcing import masked, objections
from statuspage.config.loading import load
from statuspage.config.problems import ConfigError
from tests.statuspage.outlets import TOKEN, written

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # by one of apprise's plugins

SERVICES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#status",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "teams": "workflows://example.com:443/643e8f3fbff84c6ca1ad4b0bf7b8a3f2/signature/",
    "mattermost": "mmost://example.com/3ccdd113474722377935511fc85d3dd4",
    "matrix": "matrix://user:password@example.com/#room",
    "google chat": "gchat://workspace/key/token",
    "rocket.chat": "rocket://user:password@example.com/#status",
    "zulip": "zulip://status@example/hwejxXx8VkuEkyHo4nmTSTQFJaFEWXab/ops/",
    "ntfy": "ntfy://example.com/topic",
    "mail": "mailto://user:password@example.com?to=all@example.org",
    "dingtalk": "dingtalk://0123456789abcdef/",
    "lark": "lark://0123456789abcdef/",
    "kodi": "kodi://example.com",
    "json": "json://example.com/hook",
}
HOSTILE = (
    "Mail @everyone @here <!channel> <@U123> <script>alert(1)</script> [log in](https://evil.example/@all) "
    "![x](http://evil.example) **big** | `x`"
)
CALLS = re.compile(r"@(everyone|here|channel|all)\b|<[!@#]|<script|\]\(|\]\[", re.IGNORECASE)
ASKED = {
    "title": HOSTILE,
    "words": f"{HOSTILE}\nWrite to help@example.net",
    "link": "https://status.example.net/incidents/abc",
    "tone": "info",
}


def service(url: str) -> NotifyBase:
    found = service_of(url, "Example", "https://status.example.net")
    assert found is not None
    return found


def sent(plugin: NotifyBase, message: Mapping[str, str]) -> tuple[str, str]:
    """Title and body as the plugin's own sender gets them."""
    title, body, form = fitted(plugin, message)
    (call,) = plugin._build_send_calls(body=body, title=title, body_format=form)
    return call["title"], call["body"]


@pytest.mark.parametrize("url", SERVICES.values(), ids=SERVICES)
def test_a_hostile_name_calls_nobody_and_makes_no_markup(url: str) -> None:
    title, body = sent(service(url), ASKED)
    for text in (title, body):
        assert CALLS.search(text) is None, text
    assert "status.example.net/incidents/abc" in body
    assert "help@example.net" in body.replace("\\", ""), "an address of mail stays whole"


@pytest.mark.parametrize("name", ["discord", "teams", "mattermost", "rocket.chat", "google chat", "zulip"])
def test_where_markdown_is_read_signs_are_escaped_and_the_link_is_one(name: str) -> None:
    _, body = sent(service(SERVICES[name]), {**ASKED, "title": "a *b* _c_", "words": "**d** `e`"})
    assert not re.search(r"(?<!\\)\*\*d\*\*|(?<!\\)`e", body), body
    assert "https://status.example.net/incidents/abc" in body


def test_where_html_is_read_it_is_escaped() -> None:
    _, body = sent(service(SERVICES["telegram"]), {**ASKED, "title": "a < b & c", "words": "<b>d</b>"})
    assert "a &lt; b &amp; c" in body
    assert "<b>d" not in body


@pytest.mark.parametrize("url", SERVICES.values(), ids=SERVICES)
def test_what_is_too_long_loses_words_and_never_its_link(url: str) -> None:
    plugin = service(url)
    around = range(plugin.body_maxlen - 700, plugin.body_maxlen + 20, 13)
    for length in (0, *around, 60_000):
        title, body = sent(plugin, {**ASKED, "title": "A title of its own", "words": "a*<\n" * (length // 4)})
        assert len(body) <= plugin.body_maxlen
        assert "status.example.net/incidents/abc" in body, f"with {length} letters"
        assert "A title of its own" in title + body


@given(st.text(alphabet="@<>![](): \nabehlnoryv/.#&", max_size=60))
def test_no_text_calls_anybody(text: str) -> None:
    assert CALLS.search(harmless(f"{text} @everyone [x](y)")) is None
    assert re.search(r"(?<!\\)[*`_\[\]]", marked("*`_[]" + text)) is None


def test_whoever_reads_it_sees_the_words_that_were_written() -> None:
    assert harmless("The @home team: <b> [1](2)").replace("\u200b", "") == "The @home team: <b> [1](2)"
    assert harmless("Mail to help@example.net, see https://example.net/a_b") == "Mail to help@example.net, see https://example.net/a_b"


# --- which URLs are taken ---------------------------------------------------------------------------------------------------------


def test_every_plugin_that_lives_on_this_machine_is_refused() -> None:
    local = re.compile(r"^\s*(?:import|from) (?:subprocess|syslog|hid|win32api|gi|dbus|ctypes)\b|os\.system|Popen", re.MULTILINE)
    found = {
        scheme
        for plugin in NotificationManager().plugins()
        if local.search(Path(inspect.getfile(plugin)).read_text(encoding="utf-8"))
        for scheme in schemes(plugin)
    }
    assert found == set(ON_THIS_MACHINE)
    assert set(NotificationManager().schemas()) >= ALWAYS_MARKED | FROM_FILES


def schemes(plugin: type[NotifyBase]) -> set[str]:
    found: set[str] = set()
    for name in ("protocol", "secure_protocol"):
        given = getattr(plugin, name) or ()
        found |= {given} if isinstance(given, str) else set(given)
    return found


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (TOKEN, "is no apprise URL: it begins with a scheme, such as slack:// or mailto://"),
        (f"https://example.org/{TOKEN}", "is the address of no service that apprise knows; write its apprise URL, or json://"),
        (f"file:///{TOKEN}", "file:// leads to a file on this machine"),
        (f"config://{TOKEN}", "apprise knows no service config://"),
        (f"slack://{TOKEN}", "apprise cannot read it as a URL of Slack; how slack:// is written: https://"),
        (f"GNOME://{TOKEN}", "gnome:// shows messages on this machine and tells nobody elsewhere"),
        (f"vapid://{TOKEN}", "vapid:// lives on files of keys and subscriptions"),
        (f"{SERVICES['discord']}?template=/etc/{TOKEN}", "has files on this machine read or made; leave out template"),
        (f"{SERVICES['mail']}&pgp=encrypt&pgppub=/{TOKEN}", "has files on this machine read or made; leave out pgp, pgppub"),
        (f"mailto://u:p@example.com?to=a@{TOKEN}.de,b@{TOKEN}.de", "leads to 2 recipients; write an entry for each"),
    ],
)
def test_what_cannot_be_used_is_refused_without_being_quoted(url: str, told: str) -> None:
    (fault,) = objections([Secret(url)])
    assert fault is not None
    assert fault.startswith(told)
    assert TOKEN not in fault


def test_what_can_be_used_is_taken() -> None:
    assert objections([Secret(url) for url in SERVICES.values()]) == [None] * len(SERVICES)
    assert objections([Secret("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")]) == [None]
    assert masked(Secret(SERVICES["slack"])) == "slack://***"


def test_the_file_names_its_outlets_by_secrets_and_each_once(tmp_path: Path) -> None:
    path, environ = written(tmp_path, {"ops": SERVICES["json"], "too": SERVICES["json"], "de": SERVICES["ntfy"]}, de="language: xx")
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    (problem,) = caught.value.problems
    assert "announce.too.url: is the URL of ops already, where each word would be told twice" in str(problem)
    assert "example.com" not in str(problem)
    path.write_text(f"site: {{name: A, url: 'http://a.example'}}\nannounce: {{ops: {{url: 'json://{TOKEN}'}}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert str(problem).endswith("announce.ops.url: a secret never stands in the file; write {env: NAME} or {file: PATH}")


@pytest.mark.parametrize(
    "outlet", ["[URL]", "{url: [URL]}", "{url: {env: A, x: URL}}", "{url: {env: A}, floor: URL}", "{url: {env: A}, URL: 1}"]
)
def test_a_url_in_the_wrong_place_is_an_error_that_does_not_quote_it(tmp_path: Path, outlet: str) -> None:
    path = tmp_path / "statuspage.yaml"
    written = outlet.replace("URL", f"'json://{TOKEN}@example.com'")
    path.write_text(f"site: {{name: A, url: 'http://a.example'}}\nannounce: {{ops: {written}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, {"A": SERVICES["json"]})
    assert "statuspage.yaml:2:" in str(caught.value)
    assert outlet.endswith("URL: 1}") or TOKEN not in str(caught.value), "a key is no place for a secret"


def test_an_outlet_that_hears_less_than_it_was_meant_to_is_a_warning(tmp_path: Path) -> None:
    path, environ = written(tmp_path, {"ops": SERVICES["json"]}, ops="language: xx, services: [email]")
    path.write_text(path.read_text(encoding="utf-8").replace("email: {}", "email: {public: false}"), encoding="utf-8")
    told = [str(one) for one in load(path, environ).warnings if "announce" in str(one)]
    assert any("this service is not public, and nothing is announced of it" in one for one in told)
    assert any("the page does not speak this language" in one and "'xx'" in one for one in told)


def test_where_apprise_does_not_run_the_file_is_taken_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, environ = written(tmp_path, {"ops": SERVICES["json"]})
    for command, why in ((("/nonexistent",), "cannot be started: No such file or directory"), (("false",), "it left with 1")):
        monkeypatch.setattr(announcing, "_command", lambda command=command: command)
        told = [str(one) for one in load(path, environ).warnings if "announce" in str(one)]
        assert told == [f"{path}:3:1: announce: apprise could not be asked about these URLs: {why}"]


def test_the_process_sees_nothing_of_our_environment_that_it_does_not_need() -> None:
    ours = {"PATH": "/bin", "HOME": "/root", "OPS_URL": SERVICES["json"], "NETRC": "/x", "https_proxy": "http://proxy:3128"}
    assert announcing._surroundings(ours) == {"PATH": "/bin", "https_proxy": "http://proxy:3128", "LC_ALL": "C.UTF-8"}


def test_more_outlets_than_there_is_room_for_are_refused(tmp_path: Path) -> None:
    path, environ = written(tmp_path, {f"room-{number}": f"json://example.com/{number}" for number in range(21)})
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    assert any("at most 20" in str(problem) for problem in caught.value.problems)


def test_a_plugin_renders_by_its_own_format() -> None:
    assert fitted(service(SERVICES["mail"]), ASKED)[2] is NotifyFormat.TEXT
    assert fitted(service(SERVICES["rocket.chat"]), ASKED)[2] is NotifyFormat.MARKDOWN
