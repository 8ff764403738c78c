"""The command ``explain``: why an incident was opened, joined, published, moved and resolved, from the store alone."""

from dataclasses import asdict
from pathlib import Path

import typer
from sqlalchemy import Connection

from statuspage.cli.config import store_of
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.picture.page import Story
from statuspage.render.timeline import Line, spoken, tell
from statuspage.store import queries


def explain(incident: str, *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print everything that was decided about *incident*, in order, with its reasons; works beside a running hub and without one."""

    def read(connection: Connection) -> tuple[Story | None, list[Line]]:
        told = (tell(row.event) for row in queries.journal(connection, incident))
        return queries.story(connection, incident), [line for line in told if line is not None]

    with store_of(config, data_dir) as database:
        story, lines = database.read(read)
    if story is None:
        fail(f"there is no incident {incident}", BAD)
    found = story.incident
    if wants_json:
        about = {"id": found.id, "name": found.name, "state": found.state, "root": found.root, "components": found.components}
        print_json({**about, "services": dict(found.worst), "lines": [asdict(line) for line in lines]})
        return GOOD
    typer.echo(f"{found.name} ({found.id}), {found.state}. Times are UTC.\n")
    typer.echo("\n".join(spoken(line) for line in lines))
    return GOOD
