"""Templates that speak a tongue: what ``_()`` and ``{% trans %}`` call, the tables of words, and what else depends on the language."""

import re
from collections.abc import Callable, Mapping, MutableMapping
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from markupsafe import Markup

from statuspage.render import words
from statuspage.render.said import body
from statuspage.render.tongue import Tongue

# C0 and C1 controls, marks that turn or hide the direction of text, lone surrogates (no UTF-8 has them) and noncharacters.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def speakable(value: object) -> object:
    """Drop from a text what has no business in one: controls, direction overrides, broken characters. Markup and others pass."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return _UNSPEAKABLE.sub("", value)


class Speaking(Environment):
    """Templates that share what is global: Jinja's own chain of dictionaries is searched slowly, at each import of each drawing."""

    def make_globals(self, d: MutableMapping[str, object] | None) -> MutableMapping[str, object]:
        """What a template has beside its values; all that is global is there before the first is loaded."""
        return {**self.globals, **(d or {})}


def speaking(directory: Path, tongue: Tongue) -> Environment:
    """The templates of *directory*, which speak *tongue*. All that they print is sieved, and in HTML escaped."""
    environment = Speaking(
        loader=FileSystemLoader(directory),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=speakable,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # the extension's: {% trans %} hands its values over by name
    environment.filters.update(
        capability=words.spoken(words.CAPABILITY, tongue, "capability").__getitem__,
        within=partial(words.within, tongue=tongue),
        said=partial(body, tongue=tongue),
        month=tongue.month,
        number=tongue.number,
    )
    said = _saying(tongue.said)
    environment.globals.update(
        _=said, gettext=said, pgettext=_saying(tongue.said_in), ngettext=_counting(tongue), language=tongue.tag, **_tables(tongue)
    )
    environment.globals["length"] = partial(words.length, tongue=tongue)
    environment.globals["lang"] = partial(_lang, tongue.tag)
    return environment


def _lang(around: str, language: str) -> Markup:
    """What says that an element is in another *language* than the page *around* it; nothing where it is not."""
    return Markup(' lang="{}"').format(language) if language not in {"", around} else Markup()


def _tables(tongue: Tongue) -> Mapping[str, object]:
    return {
        "STATUS": words.spoken(words.STATUS, tongue),
        "STATE": words.spoken(words.STATE, tongue),
        "STEPS": words.spoken(words.STEPS, tongue),
        "MAINTENANCE_STATE": words.spoken(words.MAINTENANCE_STATE, tongue),
        "MAINTENANCE_STEPS": words.spoken(words.MAINTENANCE_STEPS, tongue),
        "ADVISORY_STAGE": words.spoken(words.ADVISORY_STAGE, tongue, "advisory"),
        "ADVISORY_TURN": words.spoken(words.ADVISORY_TURN, tongue, "advisory"),
        "PERIODS": words.spoken(words.PERIODS, tongue),
        "UNWATCHED": tongue.said(words.UNWATCHED),
        "UNWATCHED_WITHIN": tongue.said_in("in a sentence", words.UNWATCHED_WITHIN),
    }


def _saying(find: Callable[..., str]) -> Callable[..., str]:
    @pass_eval_context
    def say(around: EvalContext, *message: str, **values: object) -> str:
        return _filled(find(*message), values, around)

    return say


def _counting(tongue: Tongue) -> Callable[..., str]:
    @pass_eval_context
    def say(around: EvalContext, one: str, many: str, number: int, **values: object) -> str:
        return _filled(tongue.counted(one, many, number), {"number": number, **values}, around)

    return say


def _filled(message: str, values: Mapping[str, object], around: EvalContext) -> str:
    """A message of ours with its values, which are hostile: they go through the same sieve as what a template prints by itself."""
    said = Markup(message) if around.autoescape else message  # noqa: S704 - from our catalogues
    return said % {name: speakable(value) for name, value in values.items()}
