"""The report of the mutants reads what mutmut prints, and counts it."""

import pytest

from tests.mutants import Mutant, mutants, report, score

PRINTED = """\
    incidents.rollup.x_worst__mutmut_3: survived
    incidents.rollup.x__spread__mutmut_1: killed
    incidents.model.xǁTopologyǁ__post_init____mutmut_4: timeout
    incidents.rollup.x_worst__mutmut_4: not checked
    incidents.words.x_said__mutmut_2: not checked
    incidents.levels.terms.x_owed__mutmut_1: no tests
"""


def test_each_mutant_is_read_with_its_file_function_and_fate() -> None:
    assert mutants(PRINTED.splitlines()) == [
        Mutant("incidents/rollup.py", "worst", "survived"),
        Mutant("incidents/rollup.py", "spread", "killed"),
        Mutant("incidents/model.py", "Topology.__post_init", "timeout"),
        Mutant("incidents/rollup.py", "worst", "not checked"),
        Mutant("incidents/words.py", "said", "not checked"),
        Mutant("incidents/levels/terms.py", "owed", "no tests"),
    ]


def test_a_mutant_told_in_another_form_is_not_overlooked() -> None:
    with pytest.raises(ValueError, match="mutmut speaks differently"):
        mutants(["incidents.rollup.x_worst__mutmut_3 has survived"])


def test_the_score_counts_what_was_tried_and_is_cut() -> None:
    seen, unseen, untried = Mutant("a.py", "f", "killed"), Mutant("a.py", "f", "survived"), Mutant("a.py", "f", "not checked")
    assert score([seen, seen, unseen, untried]) == 66.6


def test_what_no_test_reaches_is_not_seen() -> None:
    assert score([Mutant("a.py", "f", "killed"), Mutant("a.py", "g", "no tests")]) == 50


def test_the_report_names_where_mutants_survive() -> None:
    page = report(mutants(PRINTED.splitlines()), "2026-03-02")
    assert "| incidents/rollup.py | 3 | 2 | 1 | 1 | 0 | 50.0 % |" in page
    assert "| incidents/words.py | 1 | 0 | 0 | 0 | 0 | – |" in page
    assert "| incidents/levels/terms.py | 1 | 1 | 0 | 0 | 1 | 0.0 % |" in page
    assert "| **all** | 6 | 4 | 2 | 1 | 1 | 50.0 % |" in page
    assert page.endswith("## Where they survive\n\n- `incidents/rollup.py`: `worst` 1\n")


def test_the_report_says_what_was_not_tried() -> None:
    page = report(mutants(PRINTED.splitlines()), "2026-03-02")
    assert "Left out altogether: `incidents/words.py`.\n" in page
    assert "Tried in part, so that the score is of those alone: `incidents/rollup.py` (2 of 3).\n" in page
    whole = report([Mutant("a.py", "f", "killed")], "2026-03-02")
    assert "Left out" not in whole
    assert "in part" not in whole
