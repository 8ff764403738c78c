"""The command ``doctor``: look at everything around the service that tends to be wrong, and say what to mend."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import typer

from probes.text import plain
from statuspage.app import LOCK_FILE
from statuspage.cli.examining import machine, network, telling
from statuspage.cli.examining.finding import Finding, Findings, Look, Place, Standing, aside, looked
from statuspage.cli.options import BAD, GOOD, print_json
from statuspage.cli.serve import is_held
from statuspage.config.loading import ConfigError, Loaded, load
from statuspage.whereabouts import HUB_FILE

_COLOURS = {Standing.GOOD: "green", Standing.DOUBTFUL: "yellow", Standing.BAD: "red", Standing.UNKNOWN: None}
_LONGEST = 400


def examine(config: Path, data_dir: Path, *, mail_to: str | None, time_server: str, wants_json: bool) -> int:
    """Look, and print what was found; gives the exit code: 1 where anything is bad."""
    findings = asyncio.run(_examined(config, data_dir, mail_to=mail_to, time_server=time_server))
    if wants_json:
        print_json({"findings": [asdict(one) for one in findings]})
    else:
        _show(findings)
    return BAD if any(one.standing is Standing.BAD for one in findings) else GOOD


async def _examined(config: Path, data_dir: Path, *, mail_to: str | None, time_server: str) -> Findings:
    try:
        loaded = load(config, os.environ)
    except ConfigError as trouble:
        mend = "mend the file, then look again: the rest goes by it. `statuspage init` writes a first one"
        return [Finding(about="configuration", standing=Standing.BAD, found=str(problem), mend=mend) for problem in trouble.problems]
    place = Place(
        config=loaded.config, path=config, data_dir=data_dir, running=_running(data_dir), mail_to=mail_to, time_server=time_server
    )
    found = await asyncio.gather(*(looked(about, look(place)) for about, look in _LOOKS.items()))
    return [*_configuration(config, loaded), *(one for findings in found for one in findings)]


def _configuration(path: Path, loaded: Loaded) -> Findings:
    doubts = [Finding(about="configuration", standing=Standing.DOUBTFUL, found=str(one)) for one in loaded.warnings]
    return doubts or [Finding(about="configuration", standing=Standing.GOOD, found=f"{path} is good")]


def _running(data_dir: Path) -> tuple[str, str] | None:
    """Where the hub on *data_dir* answers, if one runs."""
    try:
        if not is_held(data_dir / LOCK_FILE):
            return None
        said = json.loads((data_dir / HUB_FILE).read_bytes())
        return str(said["public"]), str(said["internal"])
    except (OSError, ValueError, KeyError, TypeError):  # it is just starting or ending: nobody can be asked
        return None


def _blocking(look: Callable[[Place], Findings]) -> Look:
    async def done(place: Place) -> Findings:
        return await aside(lambda: look(place))

    return done


_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "clock": machine.clock,
        "zone": _blocking(machine.zone),
        "dns": network.names,
        "controls": network.controls,
        "proxies": _blocking(network.proxies),
        "public url": network.public_address,
        "mail": telling.mail,
        "channels": _blocking(telling.channels),
        "disk": _blocking(machine.disk),
        "files": _blocking(machine.modes),
        "store": _blocking(telling.store),
    }
)
"""What is looked at, all at once, in the order in which it is told."""


def _show(findings: Sequence[Finding]) -> None:
    width = max(len(one.about) for one in findings)
    for one in findings:
        typer.secho(f"{one.standing:9}  ", fg=_COLOURS[one.standing], nl=False)
        typer.echo(f"{one.about.ljust(width)}  {plain(one.found, _LONGEST)}")
        if one.mend:
            typer.echo(f"{' ' * (width + 13)}{plain(one.mend, _LONGEST)}")
    counts = [(standing, sum(one.standing is standing for one in findings)) for standing in (Standing.BAD, Standing.DOUBTFUL)]
    told = ", ".join(f"{count} {standing}" for standing, count in counts if count)
    typer.secho(f"\n{told or 'all is well'}", bold=True)
