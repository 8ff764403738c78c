"""The report of the mutants reads what mutmut prints, and counts it."""

import pytest

from tests.mutants import Mutant, mutants, report, score

PRINTED = """\
    incidents.rollup.x_worst__mutmut_3: survived
    incidents.rollup.x__spread__mutmut_1: killed
    incidents.model.xǁTopologyǁ__post_init____mutmut_4: timeout
    incidents.words.x_said__mutmut_2: not checked
"""


def test_each_mutant_is_read_with_its_file_function_and_fate() -> None:
    assert mutants(PRINTED.splitlines()) == [
        Mutant("incidents/rollup.py", "worst", "survived"),
        Mutant("incidents/rollup.py", "spread", "killed"),
        Mutant("incidents/model.py", "Topology.__post_init", "timeout"),
        Mutant("incidents/words.py", "said", "not checked"),
    ]


def test_a_mutant_told_in_another_form_is_not_overlooked() -> None:
    with pytest.raises(ValueError, match="mutmut speaks differently"):
        mutants(["incidents.rollup.x_worst__mutmut_3 has survived"])


def test_the_score_counts_what_was_tried_and_is_cut() -> None:
    seen, unseen, untried = Mutant("a.py", "f", "killed"), Mutant("a.py", "f", "survived"), Mutant("a.py", "f", "not checked")
    assert score([seen, seen, unseen, untried]) == 66.6


def test_the_report_names_where_mutants_survive() -> None:
    page = report(mutants(PRINTED.splitlines()), "2026-03-02")
    assert "| incidents/rollup.py | 2 | 1 | 1 | 0 | 50.0 % |" in page
    assert "| incidents/words.py | 1 | 0 | 0 | 1 | – |" in page
    assert "| **all** | 4 | 2 | 1 | 1 | 66.6 % |" in page
    assert "- `incidents/rollup.py`: `worst` 1" in page
