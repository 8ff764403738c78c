"""The commands ``import uptime-kuma`` and ``import gatus``: a file of theirs in, a configuration of ours out, and a report beside it.

What is written passes ``check-config``: it is read back before anybody sees it, and what our configuration refuses is left out and named.
"""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import typer
from rich.console import Console

from probes.text import plain
from statuspage.cli.importing.drafts import Draft, Entry
from statuspage.cli.importing.findings import CannotImport, Findings, Left, show
from statuspage.cli.importing.writing import spelled, write
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.config.loading import ConfigError, load

Read = Callable[[Path, date], Draft]
"""What makes a draft of a file, as of a day. Errors: CannotImport."""

_ROUNDS = 20
"""Times that what was refused is taken out; each leaves less that could be."""


def convert(file: Path, read: Read, *, out: Path | None, is_dry: bool, wants_json: bool) -> int:
    """Read *file*, write or print the configuration, and say what could not be brought."""
    try:
        with Console(stderr=True).status(f"reading {plain(str(file), 200)}"):
            draft = verified(read(file, wall_clock().date()))
        if out is not None and not is_dry:
            write(draft, out)
    except CannotImport as trouble:
        fail(str(trouble), BAD)
    findings = Findings(source=str(file), is_dry=is_dry, brought=_counted(draft), left=draft.left, secrets=draft.secrets, said=draft.said)
    is_printed = out is None and not is_dry
    if wants_json:
        print_json(findings.as_json() | ({"configuration": spelled(draft)} if is_printed else {}))
        return GOOD
    if is_printed:
        typer.echo(spelled(draft), nl=False)
    show(findings, is_beside=is_printed)
    return GOOD


def _counted(draft: Draft) -> Mapping[str, int]:
    return {"services": len(draft.services), "monitors": len(draft.monitors), "maintenance windows": len(draft.maintenance)}


def verified(draft: Draft) -> Draft:
    """*draft* without what our configuration refuses, each named with the reason."""
    environ = {one.name: f"{number:032x}" for number, one in enumerate(draft.secrets, 1)}
    refused = _refused(draft, environ)
    for _ in range(_ROUNDS):
        if not refused:
            return draft
        draft = _without(draft, refused)
        refused = _refused(draft, environ)
    raise CannotImport("what was read could not be made a configuration: " + "; ".join(refused.values()))


def _refused(draft: Draft, environ: Mapping[str, str]) -> Mapping[tuple[str, str], str]:
    """What our configuration says of each entry, by section and id."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "draft.yaml"
        path.write_text(spelled(draft), encoding="utf-8")
        try:
            load(path, environ)
        except ConfigError as trouble:
            return {_entry(problem.path): problem.message for problem in trouble.problems}
    return {}


def _entry(path: str) -> tuple[str, str]:
    section, _, rest = path.partition(".")
    return section, rest.partition(".")[0].partition("[")[0]


def _without(draft: Draft, refused: Mapping[tuple[str, str], str]) -> Draft:
    gone = {id for _, id in refused}
    left = [
        Left(what=f"{section}.{id}", why=f"our configuration does not take it: {plain(why, 300)}") for (section, id), why in refused.items()
    ]

    def kept(entries: Mapping[str, Entry]) -> dict[str, Entry]:
        return {id: _narrowed(entry, gone) for id, entry in entries.items() if id not in gone}

    if not any(id in section for section in (draft.services, draft.monitors, draft.credentials, draft.maintenance) for id in gone):
        raise CannotImport("what was read could not be made a configuration: " + "; ".join(map(str, left)))
    secrets = [one for one in draft.secrets if any(f"env: {one.name}}}" in text for text in spelled(draft).splitlines())]
    return replace(
        draft,
        services=kept(draft.services),
        monitors=kept(draft.monitors),
        credentials=kept(draft.credentials),
        maintenance={id: entry for id, entry in kept(draft.maintenance).items() if entry.values["services"]},
        left=(*draft.left, *left),
        secrets=secrets,
    )


def _narrowed(entry: Entry, gone: set[str]) -> Entry:
    services = entry.values.get("services")
    if not isinstance(services, list):
        return entry
    return replace(entry, values={**entry.values, "services": [id for id in services if id not in gone]})
