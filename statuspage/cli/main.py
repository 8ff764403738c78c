"""The command line: one command per thing that a person does with the service.

Only names and options stand here. What a command does is imported when it runs, so that ``--help`` is quick.
"""

import codecs
import io
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from statuspage.cli import changing, desk, imports, keeping, setting_up, warnings, windows
from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption, fail, without_types_of_flags
from statuspage.demo.modes import Mode

app = typer.Typer(name="statuspage", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
demo = typer.Typer(help="Run a small company of real local servers under watch; break and mend it.")
report = typer.Typer(help="What was promised, and what was kept.", no_args_is_help=True)
notify = typer.Typer(help="See whether what is to be told gets through.", no_args_is_help=True)
app.add_typer(setting_up.beginning)
app.add_typer(demo, name="demo")
app.add_typer(keeping.commands)
app.add_typer(changing.versions, name="config")
app.add_typer(notify, name="notify")
app.add_typer(report, name="report")
app.add_typer(windows.maintenance, name="maintenance")
app.add_typer(warnings.advisories, name="advisories")
app.add_typer(imports.imports, name="import")
app.add_typer(desk.agents, name="agents")
app.add_typer(desk.tokens, name="tokens")
app.add_typer(desk.audit, name="audit")


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001 - typer hands an option's value to its callback by position
    if is_wanted:
        typer.echo(version("statuspage-service"))
        raise typer.Exit


@app.callback()
def statuspage(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Watch services, open incidents, and tell people on a public status page."""


# --- running it -----------------------------------------------------------------------------------------------------------------


@app.command()
def serve(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    without_backup: Annotated[
        bool, typer.Option("--without-backup", help="Make none before the store of an older release is brought up to date.")
    ] = False,
) -> None:
    """Run the service until SIGINT or SIGTERM; SIGHUP reloads the configuration."""
    from statuspage.cli import serve as commands

    raise typer.Exit(commands.serve(config, data_dir, backs_up=not without_backup))


@app.command()
def reload(
    *,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    accept_removals: Annotated[
        bool, typer.Option("--accept-removals", help="Also where this removes a service, or a monitor with an open incident.")
    ] = False,
) -> None:
    """Tell the running service to read its configuration again."""
    from statuspage.cli import serve as commands

    raise typer.Exit(commands.reload(data_dir, accepts_removals=accept_removals))


@app.command()
def alive(*, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Say whether the running service answers with its page; 1 where it does not. For containers and cron."""
    from statuspage.cli import alive as commands

    raise typer.Exit(commands.alive(data_dir))


@app.command()
def publish(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Made where it is missing; a host serves DIR/current. Else where mirror: in the file says."),
    ] = None,
    *,
    notice: Annotated[
        str | None,
        typer.Option("--notice", metavar="TEXT", help="Only put TEXT on every page that stands there, without store or hub; empty: away."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Write the whole public face as files, for any static host; at once, or not at all."""
    if notice is not None:
        from statuspage.cli import notice as words

        raise typer.Exit(words.say(directory, notice, config=config, data_dir=data_dir))
    from statuspage.cli import publish as commands

    raise typer.Exit(commands.publish(directory, config=config, data_dir=data_dir))


@demo.callback(invoke_without_command=True)
def run_demo(
    context: typer.Context,
    *,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Keep everything here; else it is gone at the end.")
    ] = None,
    public_port: Annotated[
        int | None, typer.Option("--public-port", min=1, max=65535, help="The public page's port; else a free one.")
    ] = None,
    internal_port: Annotated[
        int | None, typer.Option("--internal-port", min=1, max=65535, help="The console's port; else a free one.")
    ] = None,
) -> None:
    """Run a small company of real local servers under watch, until Ctrl-C; with BREAK, MEND or STATUS, speak to the one that runs."""
    if context.invoked_subcommand is None:
        from statuspage.cli import demo as commands

        raise typer.Exit(commands.run(data_dir=data_dir, public_port=public_port, internal_port=internal_port))


@demo.command("break")
def break_server(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="outgoing-mail, mailboxes, webmail, portal or storage.")],
    *,
    mode: Annotated[
        str | None,
        typer.Option("--mode", metavar="MODE", help=f"{', '.join(Mode)}; `demo status` tells which for which server. Else stopped."),
    ] = None,
    wants_json: JsonOption = False,
) -> None:
    """Break a server of the running demo, for real."""
    from statuspage.cli import demo as commands

    raise typer.Exit(commands.break_(what, mode, wants_json=wants_json))


@demo.command("mend")
def mend_server(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="A server, or `all`.")], *, wants_json: JsonOption = False
) -> None:
    """Mend a server of the running demo."""
    from statuspage.cli import demo as commands

    raise typer.Exit(commands.mend(what, wants_json=wants_json))


@demo.command("status")
def demo_status(*, wants_json: JsonOption = False) -> None:
    """Say how the running demo's servers stand, and in which ways each can be broken."""
    from statuspage.cli import demo as commands

    raise typer.Exit(commands.status(wants_json=wants_json))


# --- looking back ---------------------------------------------------------------------------------------------------------------


@app.command()
def replay(
    *,
    since: Annotated[str | None, typer.Option("--since", metavar="INSTANT", help="Else from where the record begins.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="Else until now.")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", metavar="FILE", help="Judge by this one instead of those that were in use, and compare; nothing else needs it."
        ),
    ] = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="With --config: draw both as SVG.")] = None,
    wants_json: JsonOption = False,
) -> None:
    """Run the recorded past again: it gives what happened, or with another configuration what would have."""
    from statuspage.cli import replay as commands

    raise typer.Exit(commands.replay(since=since, until=until, config=config, data_dir=data_dir, chart=picture, wants_json=wants_json))


@app.command()
def page(
    *,
    at: Annotated[str | None, typer.Option("--at", metavar="INSTANT", help="Such as 2026-03-03T14:05Z; else now.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Print what the page says, or what it said at a past instant."""
    from statuspage.cli import page as commands

    raise typer.Exit(commands.page(at=at, config=config, data_dir=data_dir, wants_json=wants_json))


# --- the configuration ----------------------------------------------------------------------------------------------------------


@app.command("check-config")
def check_config(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A YAML file, or a directory of them.")] = None,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Say everything that is wrong, doubtful or not active yet in a configuration, and what it would change of what runs."""
    from statuspage.cli import config as commands

    if file is not None and config != DEFAULT_CONFIG:
        fail("name the configuration once: as FILE, or by --config FILE")
    raise typer.Exit(commands.check(file or config, data_dir, wants_json=wants_json))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from statuspage.cli import config as commands

    raise typer.Exit(commands.print_schema())


# --- measuring ------------------------------------------------------------------------------------------------------------------


@app.command()
def probe(
    what: Annotated[str, typer.Argument(metavar="MONITOR|TARGET", help="A monitor of the configuration, or with --kind what to probe.")],
    *,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Probe TARGET with this kind; `statuspage kinds` lists them.")
    ] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="With --kind: a setting of the kind, as in the file; may be said several times."),
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="2s", help="How long it may take; else the monitor's, or 10s.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    wants_json: JsonOption = False,
) -> None:
    """Measure once, now: print the dialogue, where the time went, and the verdict. Leaves with 1 where it fails."""
    from statuspage.cli import probe as commands

    raise typer.Exit(commands.probe(what, kind=kind, said=said or (), timeout=timeout, config=config, wants_json=wants_json))


@app.command()
def kinds(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Tell which keys a monitor of this kind takes.")] = None,
    *,
    wants_json: JsonOption = False,
) -> None:
    """List the kinds of probes, or tell about one."""
    from statuspage.cli import kinds as commands

    raise typer.Exit(
        commands.describe_kinds(wants_json=wants_json) if kind is None else commands.describe_kind(kind, wants_json=wants_json)
    )


@app.command()
def explain(
    incident: Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, as in its address.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Tell why an incident was opened, grew, moved and ended, with the votes behind it."""
    from statuspage.cli import explain as commands

    raise typer.Exit(commands.explain(incident, config=config, data_dir=data_dir, wants_json=wants_json))


@notify.command("test")
def notify_test(
    recipient: Annotated[
        str,
        typer.Argument(metavar="ADDRESS|OUTLET|TEAM|PERSON", help="An address of mail, or an id under `announce:`, `teams:` or `people:`."),
    ],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    wants_json: JsonOption = False,
) -> None:
    """Send a letter by the server of `mail:`, or tell an outlet, a team or a person, and say what was answered; 1 where it is not taken."""
    from statuspage.cli import notify as commands

    raise typer.Exit(commands.test(recipient, config=config, wants_json=wants_json))


# --- reports --------------------------------------------------------------------------------------------------------------------


@report.callback()
def reports() -> None:
    """Say what was promised, and what was kept."""


@report.command("availability")
def report_availability(
    *,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="2026-10", help="A month, 2026-Q4, 2026, 24h, 7d, 30d, 90d or 365d; else the present month."),
    ] = None,
    service: Annotated[str | None, typer.Option("--service", metavar="ID", help="This service only.")] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="table, csv (every interval), json, or html (one file, with charts).")
    ] = "table",
    language: Annotated[str | None, typer.Option("--language", metavar="de", help="Of the HTML; else site.language.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Report the availability of all services: promised, measured, contractual, not known, and what is left of the budget."""
    from statuspage.cli import report as commands

    written = commands.form_of(form)
    raise typer.Exit(commands.availability(period, service=service, form=written, language=language, config=config, data_dir=data_dir))


_Period = Annotated[
    str | None, typer.Option("--period", metavar="2026-10", help="A month, 2026-Q4, 2026, 7d, 30d, 90d or 365d; else the present month.")
]
_Form = Annotated[str, typer.Option("--format", metavar="FORMAT", help="table, csv, json, or html (one file).")]


@report.command("desk")
def report_desk(
    *, period: _Period = None, form: _Form = "table", config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR
) -> None:
    """Report the desk's own figures: what was known before the first caller, how soon it was owned, told and mended, promises kept."""
    _monthly("desk", period, form, config, data_dir)


@report.command("review")
def report_review(
    *, period: _Period = None, form: _Form = "table", config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR
) -> None:
    """Report what trouble came from and cost customers, what came again, noisy monitors, what the probes missed."""
    _monthly("review", period, form, config, data_dir)


def _monthly(kind: str, period: str | None, form: str, config: Path, data_dir: Path) -> None:
    from statuspage.cli import monthly as commands
    from statuspage.cli.report import form_of

    raise typer.Exit(commands.monthly(kind, period, form=form_of(form), config=config, data_dir=data_dir))


def main() -> None:
    """Run the command line; the exit code is 0 for good, 1 where the thing asked about is bad, 2 for usage or configuration."""
    _speak_utf8()
    command = typer.main.get_command(app)
    without_types_of_flags(command)
    command()


def _speak_utf8() -> None:
    """Where the locale knows ASCII alone, as LANG=C does, it says nothing about letters: names go out as everybody reads them today."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name == "ascii":
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
