"""What one configuration says otherwise than another, in words, and never a secret."""

import pytest

from statuspage.config.difference import differences, tree_of

BEFORE = """
site: {name: Example, url: "https://status.example.net"}
credentials: {ops: {user: ops, password: {env: OPS}}}
defaults: {monitor: {every: 1m}}
services:
  email: {service_level: {target: 99.5}, needs: [{component: smtp, as: Sending}, {component: imap, as: Receiving}]}
  web: {monitors: [{probe: http, url: "https://ada:geheim@example.net/?key=geheim"}]}
monitors:
  smtp: {probe: smtp, host: mail.example.net, every: 60s}
  imap: {probe: imap, host: mail.example.net}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("every: 60s", "every: 30s, timeout: 5s", "monitor smtp: every 60s → 30s, timeout 5s is new"),
        ("every: 60s", "every: 1m", ""),  # the same length of time
        ("every: 1m", "every: 2m", "defaults: monitor.every 1m → 2m"),
        ("target: 99.5", "target: 99.9", "service email: service_level.target 99.5 → 99.9"),
        ("  imap: {probe: imap, host: mail.example.net}\n", "", "removes monitor imap"),
        ("monitors:\n  smtp", "monitors:\n  lmtp: {probe: tcp}\n  smtp", "adds monitor lmtp"),
        ("  imap: {", "  inbox: {moved_from: imap, timeout: 3s, ", "renames monitor imap to inbox, with its history: timeout 3s is new"),
        (", {component: imap, as: Receiving}", "", "service email: needs[1] is gone"),
        ("[{component: smtp,", "[{component: dns}, {component: smtp,", "service email: needs[0] {component: dns} is new"),
        ("{env: OPS}", "{file: ops.secret}", "credentials ops: password {env: OPS} → {file: ops.secret}"),
        ("user: ops", "user: root", "credentials ops: user is another, which is not shown"),
        ("services:", "login: {oidc: {client_secret: geheim}}\nservices:", "login: all of it {oidc: {client_secret: ***}} is new"),
        ("geheim@", "geheimer@", "service web: monitors[0].url https://***@example.net/?key=*** is another, in what is not shown"),
    ],
)
def test_each_difference_is_a_phrase(old: str, new: str, said: str) -> None:
    assert BEFORE.replace(old, new, 1) != BEFORE
    found = "; ".join(map(str, differences(tree_of(BEFORE), tree_of(BEFORE.replace(old, new, 1)))))
    assert found.partition(" (was")[0] == said
    assert "geheim" not in found


def test_files_of_a_directory_are_compared_as_one() -> None:
    parts = "# --- a.yaml\nmonitors: {a: {probe: tcp}}\n# --- b.yaml\nmonitors: {b: {probe: tcp}}\n"
    assert differences(tree_of(parts), tree_of("monitors: {a: {probe: tcp}, b: {probe: tcp}}")) == ()
