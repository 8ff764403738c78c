"""What a person says in public: a text in the site's own language, or one for each of the languages that the site speaks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from pydantic import BaseModel, Discriminator, ValidationInfo

from incidents.rewording import digest
from incidents.voices import Speech, Texts, Voices

NOTHING: Mapping[str, str] = MappingProxyType({})
"""No words in any other language."""

TEXT, LANGUAGES = "as one text", "by language"
"""The two forms, as the validation of a request tells them apart. No key of a request is called so."""


def _form(value: object) -> str | None:
    return TEXT if isinstance(value, str) else LANGUAGES if isinstance(value, Mapping) else None


FORM = Discriminator(_form, custom_error_type="text", custom_error_message='write a text, or one by language: {"en": "…", "de": "…"}')


def known(texts: Mapping[str, str], about: ValidationInfo) -> Mapping[str, str]:
    """Let *texts* be in the site's languages alone, and in its own in any case: what a translation is missing from falls back to that."""
    languages: Sequence[str] = (about.context or {}).get("languages", ())
    strange = [language for language in texts if language not in languages]
    if strange:
        raise ValueError(f"this site speaks {', '.join(languages) or 'no other language'}, and not {', '.join(strange)}")
    if languages[0] not in texts:
        raise ValueError(f"the text in the site's own language is missing: {languages[0]}")
    return texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What somebody said: *name* and *body* in the site's own language (empty: nothing), and *speech* with the others."""

    name: str
    body: str
    speech: Speech

    @property
    def named(self) -> Mapping[str, str]:
        """What proves what it is called, for the audit: names may have to be removed, too."""
        others = {f"name_sha256.{language}": digest(text) for language, text in self.speech.names.items()}
        return {"name_sha256": digest(self.name), **others} if self.name else {}

    @property
    def detail(self) -> Mapping[str, str]:
        """All of it, for the audit: of words that may have to be removed one day, what proves them (see ``desk.fingerprint``)."""
        others = {f"sha256.{language}": digest(text) for language, text in self.speech.bodies.items()}
        return {**self.named, **({"sha256": digest(self.body)} if self.body else {}), **others}


def words_of(voices: Voices, said: BaseModel) -> Spoken:
    """What the request *said*, on a site that publishes in *voices*."""
    own = partial(_texts, own=voices[0].language)
    name, body = own(getattr(said, "name", None)), own(getattr(said, "body", None))
    return Spoken(name=name.own, body=body.own, speech=Speech(voices=voices, names=name.others, bodies=body.others))


def _texts(value: str | Mapping[str, str] | None, own: str) -> Texts:
    if isinstance(value, Mapping):
        return Texts(value[own], {language: text for language, text in value.items() if language != own})
    return Texts(value or "", {})


def put_together(own: str, text: str, others: Mapping[str, str]) -> str | Mapping[str, str]:
    """What was typed into the fields of a form, as a request says it; *own* is the site's language."""
    more = {language: one for language, one in others.items() if one.strip()}
    if not more:
        return text
    return {own: text, **more} if text.strip() else more
