"""What programs get of texts for updates."""

from incidents.model import State
from statuspage.web.bodies import Given


class TemplateShown(Given):
    """A text for updates, by language, with placeholders in braces; *next_update_seconds* is how soon it promises the next word."""

    id: str
    name: dict[str, str]
    state: State | None
    services: list[str]
    body: dict[str, str]
    next_update_seconds: float | None


class TemplateList(Given):
    """Texts for updates, in the file's order."""

    items: list[TemplateShown]
    next: str | None
