"""The texts for updates that the file gives, or ordinary ones where it gives none."""

from datetime import timedelta

from incidents.model import State
from statuspage.config.complete import named
from statuspage.config.loading import words
from statuspage.config.models import Config
from statuspage.message_templates import MessageTemplate

ORDINARY = (
    MessageTemplate(
        id="looking-into-it",
        name={"en": "We are looking into it", "de": "Wir gehen der Sache nach"},
        state=State.INVESTIGATING,
        services=(),
        body={
            "en": (
                "Since {since} there is a problem with {service}. What does not work: {capabilities}. "
                "We are looking for the cause, and write again by {next_update}."
            ),
            "de": (
                "Seit {since} gibt es eine Störung bei {service}. Was nicht funktioniert: {capabilities}. "
                "Wir suchen die Ursache und melden uns spätestens um {next_update} wieder."
            ),
        },
        next_update_in=timedelta(minutes=30),
    ),
    MessageTemplate(
        id="cause-known",
        name={"en": "The cause is known", "de": "Die Ursache ist bekannt"},
        state=State.IDENTIFIED,
        services=(),
        body={
            "en": (
                "We know the cause of the problem with {service} and are mending it. You need not do anything. "
                "We write again by {next_update}."
            ),
            "de": (
                "Wir kennen die Ursache der Störung bei {service} und beheben sie. Sie müssen nichts tun. "
                "Wir melden uns spätestens um {next_update} wieder."
            ),
        },
        next_update_in=timedelta(hours=1),
    ),
    MessageTemplate(
        id="takes-longer",
        name={"en": "It takes longer", "de": "Es dauert länger"},
        state=None,
        services=(),
        body={
            "en": (
                "Mending {service} takes longer than we thought. Still not working: {capabilities}. "
                "We are sorry for the trouble, and write again by {next_update}."
            ),
            "de": (
                "Die Störung bei {service} zu beheben dauert länger als gedacht. Noch immer gestört: {capabilities}. "
                "Wir bitten um Entschuldigung und melden uns spätestens um {next_update} wieder."
            ),
        },
        next_update_in=timedelta(hours=1),
    ),
    MessageTemplate(
        id="works-again",
        name={"en": "It should work again", "de": "Es sollte wieder gehen"},
        state=State.MONITORING,
        services=(),
        body={
            "en": "{service} should work again. If it does not for you, tell us through this page. We keep watching.",
            "de": "{service} sollte wieder funktionieren. Falls nicht, melden Sie es uns über diese Seite. Wir behalten es im Blick.",
        },
        next_update_in=None,
    ),
)


def message_templates(config: Config) -> tuple[MessageTemplate, ...]:
    """Give the texts for updates, in the file's order."""
    if config.templates is None:
        return ORDINARY
    own = config.site.language
    return tuple(
        MessageTemplate(
            id=id,
            name=words(one.name, own) or {own: named(id)},
            state=one.state,
            services=one.services,
            body=words(one.body, own),
            next_update_in=one.next_update_in,
        )
        for id, one in config.templates.items()
    )
