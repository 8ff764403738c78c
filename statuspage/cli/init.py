"""The command ``init``: from nothing to a page of one's own, by few questions, of which each answer is tried, and a file with remarks."""

import asyncio
import getpass
import os
import secrets
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import typer
from pydantic import ValidationError

from probes.catalog import KINDS
from probes.egress import Door
from probes.result import ProbeResult
from probes.text import plain
from statuspage.cli.config import store_of
from statuspage.cli.first_file import First, Watched, free_listeners, spelled, zone_here
from statuspage.cli.options import GOOD, MISUSED, fail
from statuspage.clock import wall_clock
from statuspage.config.installation import Listen, Site
from statuspage.config.loading import ConfigError, load
from statuspage.config.shape import sentence
from statuspage.store import people
from statuspage.store.people import Role, Unfit
from statuspage.trial import Dialogue, Question, Unclear, tried, typed, verdict

T = TypeVar("T")

_FIRST = frozenset({Role.ADMIN, Role.MANAGER})
"""What the first agent is: there is nobody else yet who could take incidents, or let others in."""

_PATIENCE = 5.0
"""Seconds that a target has to answer while somebody waits."""

_SUBMISSION = (587, 465, 25)
"""The ports at which a mail server takes mail; what comes from customers first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was said by options; what was not is asked for, or where it *is_quick* left to its default."""

    name: str | None = None
    url: str | None = None
    website: str | None = None
    mail: str | None = None
    agent: str | None = None
    public: str | None = None
    internal: str | None = None
    is_quick: bool = False


def init(given: Given, *, config: Path, data_dir: Path, replaces: bool, starts: bool) -> int:
    """Ask, try, write, let the first agent in, and serve; gives the exit code. Until the file is written nothing is changed."""
    _demand_room(config, replaces=replaces)
    try:
        first, agent = _asked(given)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("\nThe answers ended, so nothing was written. `statuspage init --yes` takes them as options.", err=True)
        return MISUSED
    _write(config, spelled(first, wall_clock()), replaces=replaces)
    typer.secho(f"\n{config} is written.", bold=True)
    _let_in(agent, config, data_dir)
    typer.echo("Next: `statuspage add KIND TARGET --service ID` has more watched, `statuspage doctor` looks at the installation.")
    if not starts:
        typer.echo("`statuspage serve` starts it.")
        return GOOD
    from statuspage.cli.serve import serve  # noqa: PLC0415 - the whole service, of which nothing above needs anything

    typer.echo("It starts now; Ctrl-C ends it.\n")
    return serve(config, data_dir)


# --- asking ---------------------------------------------------------------------------------------------------------------------


def _asked(given: Given) -> tuple[First, str]:
    listen = _listeners(given)
    name = _answer(given, "What your page is called", given.name, "Our services", _name)
    url = _answer(given, "Its address, as readers will know it", given.url, f"http://{listen[0]}", _url)
    site = _answer(given, "A website to watch, such as www.example.org (empty: none)", given.website, "", _website)
    mail = _answer(given, "A mail server to watch, such as mail.example.org (empty: none)", given.mail, "", _mail_server)
    agent = _answer(given, "Your name at the console", given.agent, _own_name(), _agent)
    found = {service: one for service, one in (("website", site), ("email", mail)) if one is not None}
    return First(name=name, url=url, timezone=zone_here(), listen=listen, watched=found), agent


def _answer(given: Given, question: str, said: str | None, default: str, read: Callable[[str], T]) -> T:
    """Take what was *said*, else the default where nobody is asked, else ask until the answer can be read."""
    if said is not None or given.is_quick:
        try:
            return read(default if said is None else said)
        except Unclear as trouble:
            fail(str(trouble))
    while True:
        try:
            found = read(typer.prompt(question, default=default, show_default=bool(default)).strip())
        except Unclear as trouble:
            typer.secho(f"  {trouble}", fg="red")
            continue
        if not isinstance(found, Watched) or found.works or typer.confirm("  Watch it all the same?", default=True):
            return found


def _listeners(given: Given) -> tuple[str, str]:
    free = free_listeners()
    public, internal = given.public or free[0], given.internal or free[1]
    try:
        Listen.model_validate({"public": public, "internal": internal})
    except ValidationError as trouble:
        fail("\n".join(f"--{fault['loc'][0]}: {sentence(fault)}" for fault in trouble.errors()))
    return public, internal


def _name(text: str) -> str:
    if text != plain(text):
        raise Unclear("a name has at most 200 printable characters")
    return _site_with(name=text).name


def _url(text: str) -> str:
    return _site_with(url=text if "://" in text else f"https://{text}").url


def _site_with(*, name: str = "-", url: str = "http://127.0.0.1") -> Site:
    try:
        return Site.model_validate({"name": name, "url": url})
    except ValidationError as trouble:
        raise Unclear("; ".join(sentence(fault) for fault in trouble.errors())) from None


def _own_name() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # this machine has no name for whoever runs it
        return "admin"
    return "admin" if name == "root" else name


def _agent(text: str) -> str:
    if not text or text != plain(text, 80):
        raise Unclear("a name has 1 to 80 printable characters")
    return text


# --- trying ---------------------------------------------------------------------------------------------------------------------


def _website(text: str) -> Watched | None:
    if not text:
        return None
    return _tried([typed(KINDS["http"], text if "://" in text else f"https://{text}/", timeout=_PATIENCE)])


def _mail_server(text: str) -> Watched | None:
    """Try a mail server at the port that was typed, or at all where it could take mail."""
    if not text:
        return None
    is_whole = (":" in text.rpartition("]")[2] and text.count(":") == 1) or "]:" in text
    spellings = [text] if is_whole else [f"{text}:{port}" for port in _SUBMISSION]
    return _tried([typed(KINDS["smtp"], spelling, timeout=_PATIENCE) for spelling in spellings])


def _tried(questions: Sequence[Question]) -> Watched:
    """Try all at once, show how they fared, and take the first that works, or else the first."""
    results = asyncio.run(_results(questions))
    question, result = next((pair for pair in zip(questions, results, strict=True) if pair[1].failure is None), (questions[0], results[0]))
    works = result.failure is None
    typer.secho(f"  {verdict(question, result)}", fg="green" if works else "red")
    for warning in result.warnings:
        typer.secho(f"  {warning.text}", fg="yellow")
    fared = "worked when it was added" if works else f"failed when it was added: {result.failure}"
    return Watched(monitor=question.written, fared=fared, works=works)


async def _results(questions: Sequence[Question]) -> Sequence[ProbeResult]:
    door, now = Door(), wall_clock()
    return await asyncio.gather(*(tried(question, door, Dialogue(), now) for question in questions))


# --- writing --------------------------------------------------------------------------------------------------------------------


def _demand_room(config: Path, *, replaces: bool) -> None:
    if config.is_dir():
        fail(f"{config} is a directory; name a file by --config")
    if os.path.lexists(config) and not replaces:
        fail(f"{config} is there already and stays as it is; --replace writes another and keeps this one beside it")
    if not os.access(config.parent, os.W_OK | os.X_OK):
        fail(f"{config}: its directory is not there, or cannot be written to")


def _write(config: Path, text: str, *, replaces: bool) -> None:
    """Make the file; what stood there is kept under another name."""
    try:
        load(config, os.environ, {config: text})
        if replaces and os.path.lexists(config):
            kept = _free_beside(config)
            config.rename(kept)
            typer.echo(f"\nThe former file is kept as {kept}.")
        with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
    except ConfigError as trouble:
        fail("\n".join(str(problem) for problem in trouble.problems))
    except OSError as trouble:
        fail(f"{config}: {trouble.strerror}")


def _free_beside(config: Path) -> Path:
    number = 1
    while os.path.lexists(kept := config.with_name(f"{config.name}.old-{number}")):
        number += 1
    return kept


def _let_in(name: str, config: Path, data_dir: Path) -> None:
    """Take the first agent on, if nobody is there yet, and show the password, once."""
    password = secrets.token_urlsafe(15)
    digest, at = people.hashed(password), wall_clock()
    with store_of(config, data_dir) as database:
        if database.read(people.list_agents):
            typer.echo("Whoever could log in at the console still can.")
            return
        try:
            database.write(lambda connection: people.add_agent(connection, name=name, password_hash=digest, at=at, roles=_FIRST))
        except Unfit as trouble:
            fail(f"{trouble} `statuspage agents add NAME --role admin --role manager` lets somebody in.")
    typer.echo(f"At the console, log in as {name} with the password {password}")
    typer.secho(f"It is shown this once; `statuspage agents password {shlex.quote(name)}` makes another.", dim=True)
