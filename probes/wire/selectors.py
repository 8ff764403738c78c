"""CSS selectors over pages from strangers: types, classes, ids, attributes, ``:not()``, and the four combinators.

A chain of descendants takes XPath a time that grows with a power of the page. Here XPath finds what each part of the chain names, and
the parts are joined in one walk over the page each.
"""

from typing import Annotated, TypeAlias

from cssselect import HTMLTranslator, SelectorError, parse
from cssselect.parser import Attrib, Class, CombinedSelector, Element, Hash, Negation, Selector, Tree
from lxml import html
from pydantic import AfterValidator, Field

Elements: TypeAlias = set[html.HtmlElement]

_TRANSLATOR = HTMLTranslator()


def _sound(text: str) -> str:
    try:
        for selector in parse(text):
            if selector.pseudo_element is not None or not _is_plain(selector.parsed_tree):
                raise ValueError("of pseudo-classes, only :not() can be used here")
    except SelectorError as error:
        raise ValueError(f"not a CSS selector: {error}") from None
    return text


def _is_plain(tree: Tree) -> bool:
    match tree:
        case CombinedSelector():
            return _is_plain(tree.selector) and _is_plain(tree.subselector)
        case Negation():
            return _is_plain(tree.selector) and not isinstance(tree.subselector, CombinedSelector) and _is_plain(tree.subselector)
        case Attrib() | Class() | Hash():
            return _is_plain(tree.selector)
        case _:
            return isinstance(tree, Element)


CssSelector = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_sound)]


def select(root: html.HtmlElement, selector: str) -> list[html.HtmlElement]:
    """Return the elements of a page that *selector* names, in the order of the page."""
    found: Elements = set()
    for one in parse(selector):
        found |= _named(root, one.parsed_tree)
    return [element for element in root.iter() if element in found]


def _named(root: html.HtmlElement, tree: Tree) -> Elements:
    if not isinstance(tree, CombinedSelector):
        named = root.xpath(_TRANSLATOR.selector_to_xpath(Selector(tree)))
        return {element for element in named if isinstance(element, html.HtmlElement)} if isinstance(named, list) else set()
    lefts, rights = _named(root, tree.selector), _named(root, tree.subselector)
    match tree.combinator:
        case ">":
            return {element for element in rights if element.getparent() in lefts}
        case "+":
            return {element for element in rights if element.getprevious() in lefts}
        case "~":
            return rights & _after(root, lefts)
        case _:
            return rights & _within(root, lefts)


def _within(root: html.HtmlElement, outer: Elements) -> Elements:
    within: Elements = set()
    for element in root.iter():
        parent = element.getparent()
        if parent in outer or parent in within:
            within.add(element)
    return within


def _after(root: html.HtmlElement, earlier: Elements) -> Elements:
    after: Elements = set()
    for element in root.iter():
        before = element.getprevious()
        if before in earlier or before in after:
            after.add(element)
    return after
