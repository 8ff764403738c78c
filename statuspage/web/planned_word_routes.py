"""Where public words about windows and of advisories are read, corrected and removed: by form, and by the API."""

from statuspage.web import advisory_bodies, planned_words, window_bodies, word_bodies
from statuspage.web.auth import Permission
from statuspage.web.route import Route, act, read, see, send

_WINDOW, _ADVISORY = "/api/v1/maintenances/{id}/updates", "/api/v1/advisories/{id}/updates"
_OF_WINDOW, _OF_ADVISORY = window_bodies.MaintenanceUpdateShown, advisory_bodies.AdvisoryUpdateShown


def _forms(path: str) -> tuple[Route, ...]:
    return (
        see(f"{path}/correct", planned_words.show_correct, Permission.PLAN),
        send(f"{path}/correct", planned_words.correct_by_form, Permission.PLAN),
        see(f"{path}/redact", planned_words.show_redact, Permission.REDACT),
        send(f"{path}/redact", planned_words.redact_by_form, Permission.REDACT),
    )


PLANNED_WORDS: tuple[Route, ...] = (
    *_forms("/maintenance/{id}/updates/{number}"),
    *_forms("/advisories/{id}/updates/{number}"),
    read(_WINDOW, planned_words.list_maintenance_words, window_bodies.MaintenanceWords),
    act(f"{_WINDOW}/{{number}}", planned_words.reword_maintenance, word_bodies.RewordBody, _OF_WINDOW, 200, Permission.PLAN, "PATCH"),
    act(f"{_ADVISORY}/{{number}}", planned_words.reword_advisory, word_bodies.RewordBody, _OF_ADVISORY, 200, Permission.PLAN, "PATCH"),
    act(f"{_WINDOW}/{{number}}/redact", planned_words.redact_maintenance, word_bodies.RedactBody, _OF_WINDOW, 200, Permission.REDACT),
    act(f"{_ADVISORY}/{{number}}/redact", planned_words.redact_advisory, word_bodies.RedactBody, _OF_ADVISORY, 200, Permission.REDACT),
)
