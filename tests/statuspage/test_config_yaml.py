from statuspage.config.problems import Place
from statuspage.config.yaml import parse

TRAPS = """
no: no
on: on
octal: 010
time: 12:30:00
date: 2026-01-04
version: 1.10
sixty: 1:30
huge: 123456789012345678901234567890
infinite: .inf
endless: 1e999
hex: 0x1F
quoted: "5"
block: |
  text
tilde: ~
nothing:
yes: true
count: -7
share: .5
big: 1e3
"""


def test_nothing_is_read_that_yaml_1_2_does_not_say() -> None:
    sources, problems = parse(TRAPS, "x")
    assert problems == []
    assert sources.value == {
        "no": "no",
        "on": "on",
        "octal": "010",
        "time": "12:30:00",
        "date": "2026-01-04",
        "version": 1.1,
        "sixty": "1:30",
        "huge": "123456789012345678901234567890",
        "infinite": ".inf",
        "endless": "1e999",
        "hex": "0x1F",
        "quoted": "5",
        "block": "text\n",
        "tilde": None,
        "nothing": None,
        "yes": True,
        "count": -7,
        "share": 0.5,
        "big": 1000.0,
    }


def test_every_value_and_key_knows_its_place() -> None:
    sources, _ = parse("a:\n  - x\n  - {b: c}\n", "x.yaml")
    assert sources.places["a", 1, "b"] == Place("x.yaml", 3, 9)
    assert sources.keys["a", 1, "b"] == Place("x.yaml", 3, 6)
    assert sources.place(("a", 1, "lost", "deeper")) == Place("x.yaml", 3, 5)


def test_an_alias_stands_where_its_anchor_was_written() -> None:
    sources, problems = parse("a: &one {x: 1}\nb: *one\n", "x.yaml")
    assert problems == []
    assert sources.value == {"a": {"x": 1}, "b": {"x": 1}}
    assert sources.places["b", "x"] == Place("x.yaml", 1, 13)


def test_all_repeated_keys_are_told_at_once() -> None:
    _, problems = parse("a: {x: 1, x: 2}\nb: 1\nb: 2\n", "x.yaml")
    assert [str(problem) for problem in problems] == [
        "x.yaml:1:11: a.x: this key stands twice, first on line 1; keep one",
        "x.yaml:3:1: b: this key stands twice, first on line 2; keep one",
    ]


def test_an_alias_of_itself_and_keys_that_are_no_text_are_refused() -> None:
    assert "no anchor" in str(parse("a: &a [*a]\n", "x")[1][0])
    assert "plain text" in str(parse("? [a]\n: b\n", "x")[1][0])
    assert "plain text" in str(parse("a: &a [x]\n*a : b\n", "x")[1][0])


def test_an_alias_cannot_deepen_what_is_deep() -> None:
    nested = "a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 30 + "*a" + "]" * 30 + "\n"
    assert "nested more than 40 deep" in str(parse(nested, "x")[1][0])


def test_ten_thousand_brackets_are_a_sentence_and_no_crash() -> None:
    assert "nested more than 40 deep" in str(parse("a: " + "[" * 10_000, "x")[1][0])
