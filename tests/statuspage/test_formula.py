from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statuspage.formula import INPUTS, SAMPLES, BadFormula, compile_formula

ORDINARY = SAMPLES[1]
NUMBERS = st.floats(min_value=0, max_value=1e9)


def test_a_formula_is_worked_out_with_the_named_inputs() -> None:
    formula = compile_formula("impact.customers * affected_share * (hours_down + 1.0)")
    assert formula({**ORDINARY, "impact.customers": 200.0, "affected_share": 0.5, "hours_down": 2.0}) == 300.0


def test_a_formula_may_choose_and_convert() -> None:
    formula = compile_formula("tier > 2.0 && hours_down >= 1.0 ? double(int(hours_down)) : 0.0")
    assert formula({**ORDINARY, "tier": 3.0, "hours_down": 7.9}) == 7.0
    assert formula({**ORDINARY, "tier": 1.0, "hours_down": 7.9}) == 0.0


@settings(deadline=None)  # whoever is first loads the language
@given(customers=NUMBERS, share=NUMBERS, hours=NUMBERS)
def test_arithmetic_is_that_of_floats(customers: float, share: float, hours: float) -> None:
    formula = compile_formula("impact.customers + affected_share * hours_down - tier")
    inputs = {**ORDINARY, "impact.customers": customers, "affected_share": share, "hours_down": hours, "tier": 2.0}
    assert formula(inputs) == customers + share * hours - 2.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing", "'nothing' is not among the inputs"),
        ("impact", "'impact' is not among the inputs"),
        ("impact . customer", "'impact.customer' is not among the inputs"),
        ("true ? 1.0 : impact.secret", "'impact.secret' is not among the inputs"),
        ("false && later > 1.0 ? 1.0 : 2.0", "'later' is not among the inputs"),
        ("[1.0].map(x, x * 2.0)[0]", "not among"),
        ("max(1.0, 2.0)", "'max' is not among them"),
        ("hours_down.getFullYear()", "is not among them"),
        ("1.0 +", "not a formula"),
        ("", "not a formula"),
        ("1.0" + " + 1.0" * 1000, "at most 2000 characters"),
    ],
)
def test_a_formula_that_nobody_can_work_out_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadFormula, match=told.replace(".", r"\.").replace("(", r"\(")):
        compile_formula(text)


@pytest.mark.parametrize("text", ["'a word'", "tier > 1.0", "[tier]", "tier / 0.0", "tier * 2", "1 / 0", "impact['nobody']", "null"])
def test_a_result_that_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(BadFormula):
        compile_formula(text)(ORDINARY)


def test_an_infinite_input_gives_no_infinite_result() -> None:
    with pytest.raises(BadFormula, match="finite"):
        compile_formula("tier")({**ORDINARY, "tier": inf})


def test_a_table_that_is_too_short_says_so_when_it_is_asked_for_more() -> None:
    formula = compile_formula("[5.0, 3.0, 1.0][int(hours_down)]")
    assert [formula(sample) for sample in SAMPLES] == [3.0, 3.0, 5.0]
    with pytest.raises(BadFormula, match="cannot be worked out: index out of bounds: 7"):
        formula({**ORDINARY, "hours_down": 7.0})


def test_a_result_that_could_not_be_added_to_others_is_refused() -> None:
    with pytest.raises(BadFormula, match="farther from zero than 1e"):
        compile_formula("0.0 - tier * 1e303")({**ORDINARY, "tier": 20.0})


def test_a_word_in_quotes_is_no_name() -> None:
    assert compile_formula("'stranger' == \"stranger\" ? 1.0 : 2.0")(ORDINARY) == 1.0


def test_every_sample_gives_every_input() -> None:
    assert all(set(sample) == set(INPUTS) for sample in SAMPLES)
