"""The names and options of the commands by which a page of one's own begins; what they do is imported when they run."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption

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
