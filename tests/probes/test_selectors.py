import time

import pytest
from cssselect import HTMLTranslator
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from pydantic import TypeAdapter, ValidationError

from probes.wire.selectors import CssSelector, select

COMPOUNDS = st.sampled_from(["b", "*", "i.x", ".y", "#n1", "[k]", "i:not(.x)", "b[k=v]", "u"])
SELECTORS = st.lists(COMPOUNDS, min_size=1, max_size=4).flatmap(
    lambda parts: st.lists(st.sampled_from([" ", " > ", " + ", " ~ ", ", "]), min_size=len(parts) - 1, max_size=len(parts) - 1).map(
        lambda joints: parts[0] + "".join(joint + part for joint, part in zip(joints, parts[1:], strict=True))
    )
)
ELEMENTS = st.tuples(st.sampled_from(["b", "i", "u"]), st.sampled_from(["", " class=x", " class='x y'", " id=n1", " k=v", " k"]))
PAGES = st.recursive(
    ELEMENTS.map(lambda one: f"<{one[0]}{one[1]}></{one[0]}>"),
    lambda inner: st.tuples(ELEMENTS, st.lists(inner, max_size=4)).map(
        lambda two: f"<{two[0][0]}{two[0][1]}>{''.join(two[1])}</{two[0][0]}>"
    ),
    max_leaves=15,
)


@given(PAGES, SELECTORS)
def test_what_is_selected_is_what_xpath_selects(page: str, selector: str) -> None:
    root = html.fragment_fromstring(page, create_parent="div")
    assert select(root, selector) == root.xpath(HTMLTranslator().css_to_xpath(selector))


def test_a_later_sibling_need_not_be_the_next() -> None:
    root = html.document_fromstring("<b></b><i></i><s></s><u></u>")
    assert [element.tag for element in select(root, "b ~ u, i + s")] == ["s", "u"]


def test_a_long_chain_over_a_deep_page_takes_no_time_worth_mentioning() -> None:
    """XPath takes fifteen seconds for this one."""
    root = html.document_fromstring("".join("<div>" * 200 + "<a href=x>y</a>" + "</div>" * 200 for _ in range(45)))
    began = time.process_time()
    assert len(select(root, "div div div div div a[href]")) == 45
    assert time.process_time() - began < 1


@pytest.mark.parametrize("selector", ["tr.message > td a[href*=m]", "#list tr:not(.read)", "a, b ~ c + d", "[data-x='1']"])
def test_ordinary_selectors_are_taken(selector: str) -> None:
    assert TypeAdapter(CssSelector).validate_python(selector) == selector


@pytest.mark.parametrize(
    "selector",
    ["", "tr[", "a:hover", "tr:nth-child(2)", "a:has(b)", "a::after", "a:not(b c)", ":is(a, b)", "a >", "x" * 301, "a:not(:hover)"],
)
def test_what_cannot_be_used_is_refused(selector: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CssSelector).validate_python(selector)
