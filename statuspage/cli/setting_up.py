"""The names and options of the commands by which a page of one's own begins; what they do is imported when they run."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

beginning = typer.Typer()


@beginning.command()
def add(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="The kind of probe; `statuspage kinds` lists them.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="What to watch, such as https://example.org/ or mail.example.org:587.")],
    *,
    service: Annotated[str | None, typer.Option("--service", metavar="ID", help="What it watches; made where there is none.")] = None,
    component: Annotated[str | None, typer.Option("--component", metavar="ID", help="The part of a service that it watches.")] = None,
    said: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the kind, as in the file, secrets as references; repeatable."),
    ] = None,
    anyway: Annotated[bool, typer.Option("--anyway", help="Add it also where it fails now.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    wants_json: JsonOption = False,
) -> None:
    """Probe TARGET now, show the verdict, and add it to the configuration. Leaves with 1 where it fails and is not added."""
    from statuspage.cli import add as commands

    wish = commands.Wish(kind=kind, target=target, service=service, component=component, said=said or ())
    raise typer.Exit(commands.add_monitor(wish, is_wanted_anyway=anyway, config=config, wants_json=wants_json))


@beginning.command()
def init(  # noqa: PLR0913 - a command has as many options as there are questions
    *,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="What your page is called.")] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Its address, as readers will know it.")] = None,
    website: Annotated[str | None, typer.Option("--website", metavar="URL", help="A website to watch.")] = None,
    mail: Annotated[str | None, typer.Option("--mail", metavar="HOST[:PORT]", help="A mail server to watch.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", metavar="NAME", help="The first to log in at the console.")] = None,
    public: Annotated[str | None, typer.Option("--public", metavar="HOST:PORT", help="Where the page listens.")] = None,
    internal: Annotated[str | None, typer.Option("--internal", metavar="HOST:PORT", help="Where the console listens.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: what no option says is left to its default.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Also where there is a file; that one is kept beside it.")] = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="Write and leave.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Begin a page of your own: answer five questions, see what was typed tried out, get a file that explains itself, and start."""
    from statuspage.cli import init as commands

    given = commands.Given(name=name, url=url, website=website, mail=mail, agent=agent, public=public, internal=internal, is_quick=yes)
    raise typer.Exit(commands.init(given, config=config, data_dir=data_dir, replaces=replace, starts=not no_start))


@beginning.command()
def doctor(
    *,
    mail: Annotated[str | None, typer.Option("--mail", metavar="ADDRESS", help="Also send a letter there.")] = None,
    time_server: Annotated[
        str, typer.Option("--time-server", metavar="HOST", help="Asked for the time where the kernel does not call its clock synchronised.")
    ] = "pool.ntp.org",
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Look at clock, zone, names, controls, proxies, mail, disk, files and the public address, and say what to mend. 1 where one is bad."""
    from statuspage.cli import doctor as commands

    raise typer.Exit(commands.examine(config, data_dir, mail_to=mail, time_server=time_server, wants_json=wants_json))
