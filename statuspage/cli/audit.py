"""The command ``audit verify``: whether the record of what was done is as it was written."""

from collections.abc import Sequence
from pathlib import Path

import typer

from statuspage.cli.config import store_of
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.store.acts import verify_audit
from statuspage.store.chain import Head, Witness
from statuspage.store.errors import StoreError


def verify(heads: Sequence[str], *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Go along the whole audit and print where it is not as it was written. *heads* are lines that the journal once told."""
    kept = [_head(one) for one in heads]
    with store_of(config, data_dir) as database:
        try:
            end, count, breaks = database.read(lambda connection: verify_audit(connection, Witness(data_dir), kept))
        except StoreError as trouble:
            fail(str(trouble), BAD)
    if wants_json:
        print_json({"rows": count, "head": str(end), "breaks": [{"row": one.sequence, "told": one.told} for one in breaks]})
    elif breaks:
        typer.echo("\n".join(f"row {one.sequence} {one.told}" for one in breaks))
        typer.echo(f"The audit is broken in {len(breaks)} {'place' if len(breaks) == 1 else 'places'}; {count} rows were read.", err=True)
    elif count:
        typer.echo(f"{count} rows, unbroken. Keep this elsewhere, to prove it later: {end}")
    else:
        typer.echo("nobody has done anything yet")
    return BAD if breaks else GOOD


def _head(text: str) -> Head:
    try:
        return Head.read(text.removeprefix("audit head "))
    except ValueError as trouble:
        fail(f"--head {text}: {trouble}")
