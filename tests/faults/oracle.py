"""What must be in a store whose hub was killed: everything that was answered, all of it whole, and nothing twice."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.faults.desk import Answered

BROKEN_RULES = {
    "two open incidents of the machine have one root": """
        SELECT root FROM incidents WHERE origin = 'machine' AND resolved_at IS NULL GROUP BY root HAVING count(*) > 1""",
    "a component is in two open incidents": """
        SELECT component FROM incident_components JOIN incidents ON incidents.id = incident
        WHERE resolved_at IS NULL GROUP BY component HAVING count(*) > 1""",
    "an incident has no outbox row that says it was opened": """
        SELECT id FROM incidents WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE incident = incidents.id AND kind = 'opened')""",
    "an update has no outbox row": """
        SELECT incident, number FROM updates
        WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE key = incident || ':updated:' || number)""",
    "an incident that is over has no outbox row that says so": """
        SELECT id FROM incidents WHERE resolved_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM outbox WHERE incident = incidents.id AND kind = 'resolved')""",
    "an outbox row tells of something that is not in the journal": """
        SELECT key FROM outbox
        WHERE NOT EXISTS (
            SELECT 1 FROM journal
            WHERE journal.incident IS outbox.incident AND journal.kind = outbox.kind AND journal.body = outbox.body
        )""",
    "an incident's journal does not begin with its opening": """
        SELECT incident FROM journal WHERE incident IS NOT NULL GROUP BY incident HAVING sum(kind = 'opened') <> 1""",
    "the numbers of an incident's updates have a gap": """
        SELECT id FROM incidents LEFT JOIN updates ON incident = id GROUP BY id
        HAVING count(number) <> incidents.updates OR coalesce(max(number), 0) <> incidents.updates""",
    "the numbers of an incident's notes have a gap": """
        SELECT id FROM incidents LEFT JOIN notes ON incident = id GROUP BY id
        HAVING count(number) <> incidents.notes OR coalesce(max(number), 0) <> incidents.notes""",
    "an update is not in the journal, or the other way round": """
        SELECT id FROM incidents WHERE updates <> (SELECT count(*) FROM journal WHERE incident = id AND kind = 'updated')""",
    "an incident is open although nothing brought it back since its end": """
        SELECT id FROM incidents WHERE resolved_at IS NULL AND
        (SELECT kind FROM journal WHERE incident = id AND kind IN ('resolved', 'reopened') ORDER BY sequence DESC LIMIT 1) = 'resolved'""",
    "an incident's state is not that of its end": """
        SELECT id FROM incidents WHERE (state IN ('resolved', 'postmortem')) <> (resolved_at IS NOT NULL)""",
    "a machine's incident does not hold its own root": """
        SELECT id FROM incidents WHERE origin = 'machine'
        AND NOT EXISTS (SELECT 1 FROM incident_components WHERE incident = id AND component = root)""",
    "an incident belongs to another than acknowledged it last, though it was not brought back since": """
        SELECT incidents.id FROM incidents JOIN journal ON journal.incident = incidents.id AND journal.kind = 'acknowledged'
        WHERE journal.sequence = (SELECT max(sequence) FROM journal AS j WHERE j.incident = incidents.id AND j.kind = 'acknowledged')
        AND NOT EXISTS (SELECT 1 FROM journal AS j
            WHERE j.incident = incidents.id AND j.kind = 'reopened' AND j.sequence > journal.sequence)
        AND incidents.acknowledged_by IS NOT json_extract(journal.body, '$.acknowledgement.by')""",
    "somebody acknowledged what another held": """
        SELECT later.incident, later.sequence FROM journal AS later JOIN journal AS earlier
        ON earlier.incident = later.incident AND earlier.kind = 'acknowledged' AND earlier.sequence < later.sequence
        WHERE later.kind = 'acknowledged'
        AND json_extract(later.body, '$.acknowledgement.by') <> json_extract(earlier.body, '$.acknowledgement.by')
        AND NOT EXISTS (SELECT 1 FROM journal AS j
            WHERE j.incident = later.incident AND j.kind = 'reopened' AND j.sequence BETWEEN earlier.sequence AND later.sequence)""",
    "a standing is not what its newest change made of it": """
        SELECT standings.subject, standings.id FROM standings JOIN status_changes AS newest
        ON newest.subject = standings.subject AND newest.id = standings.id
        WHERE newest.sequence = (SELECT max(sequence) FROM status_changes AS c WHERE c.subject = newest.subject AND c.id = newest.id)
        AND newest.new <> standings.status""",
    "a status change does not begin where the one before it ended": """
        SELECT later.subject, later.id, later.sequence FROM status_changes AS later JOIN status_changes AS earlier
        ON earlier.subject = later.subject AND earlier.id = later.id
        WHERE earlier.sequence = (SELECT max(sequence) FROM status_changes AS c
            WHERE c.subject = later.subject AND c.id = later.id AND c.sequence < later.sequence)
        AND earlier.new <> later.old""",
}
"""Each finds the rows that break it, and nothing in a store that is well."""


def broken(database: Path, answered: Answered) -> list[str]:
    """Everything that is wrong with the store, seen at one instant beside the running hub."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.execute("BEGIN")
        found = [f"integrity: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        found += [f"foreign key: {row}" for row in connection.execute("PRAGMA foreign_key_check")]
        for rule, query in BROKEN_RULES.items():
            found += [f"{rule}: {row}" for row in connection.execute(query)]
        return found + _lost(connection, answered)


def came_back(database: Path) -> frozenset[str]:
    """The incidents that were brought back once: by that they belonged to nobody, whoever had owned them."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return frozenset(row[0] for row in connection.execute("SELECT incident FROM journal WHERE kind = 'reopened'"))


def _lost(connection: sqlite3.Connection, answered: Answered) -> list[str]:
    said = "SELECT incident, json_extract(body, '$.acknowledgement.by') FROM journal WHERE kind = 'acknowledged' ORDER BY sequence"
    owners: dict[str, list[str]] = {}
    for incident, by in connection.execute(said):
        owners.setdefault(incident, []).append(by)
    updates = dict(connection.execute("SELECT body, incident FROM updates").fetchall())
    notes = dict(connection.execute("SELECT body, incident FROM notes").fetchall())
    names = dict(connection.execute("SELECT id, name FROM incidents").fetchall())
    ends = "SELECT incident FROM journal WHERE kind IN ('resolved', 'reopened') GROUP BY incident"
    ended = {row[0] for row in connection.execute(ends)}
    return [
        *(
            f"acknowledgement lost: {id} → {by}, the journal has {owners.get(id)}"
            for id, by in answered.owners.items()
            if by not in owners.get(id, [])
        ),
        *_differences("update", answered.updates, updates.get),
        *_differences("note", answered.notes, notes.get),
        *_differences("incident", answered.opened, names.get),
        *(f"resolution lost: {incident} is open again" for incident in sorted(answered.resolved - ended)),
    ]


def _differences(what: str, promised: dict[str, str], kept: Callable[[str], str | None]) -> list[str]:
    return [f"{what} lost: {key} → {value}, and the store has {kept(key)}" for key, value in promised.items() if kept(key) != value]
