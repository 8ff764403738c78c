"""The names and options of ``agents``, ``tokens`` and ``audit``; as in ``main``, what a command does is imported when it runs."""

from typing import Annotated

import typer

from statuspage.cli.options import DEFAULT_CONFIG, DEFAULT_DATA_DIR, ConfigOption, DataDirOption, JsonOption

agents = typer.Typer(help="The people at the desk.", no_args_is_help=True)
tokens = typer.Typer(help="The programs that may use the API.", no_args_is_help=True)
audit = typer.Typer(help="The record of what was done, which nobody can change unseen.", no_args_is_help=True)

RoleOption = Annotated[
    list[str], typer.Option("--role", metavar="ROLE", help="viewer, level-one, level-two, manager or admin; repeatable.")
]
TeamOption = Annotated[
    list[str] | None,
    typer.Option("--team", metavar="TEAM", help="A team of the configuration that bounds viewer and level-one; repeatable; none: all."),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
PipedOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")]


@agents.command("add")
def add_agent(
    name: NameArgument,
    *,
    role: RoleOption = ["level-one"],  # noqa: B006 - typer reads it and changes nothing
    team: TeamOption = None,
    password_stdin: PipedOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Take somebody on; without a typed or piped password one is made up and printed, once."""
    from statuspage.cli import people as commands

    raise typer.Exit(
        commands.add_agent(name, roles=role, teams=team or (), is_password_piped=password_stdin, config=config, data_dir=data_dir)
    )


@agents.command("roles")
def set_roles(
    name: NameArgument,
    *,
    role: RoleOption,
    team: TeamOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Give somebody these roles and teams instead of those that they have, and end their sessions."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.set_roles(name, roles=role, teams=team or (), config=config, data_dir=data_dir))


@agents.command("invite")
def invite(name: NameArgument, *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Print a link by which somebody chooses a new password, once and within a day."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.invite(name, config=config, data_dir=data_dir))


@agents.command("sessions")
def list_sessions(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those of this agent.")] = None,
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """List who is logged in: since when, from where, until when at the latest."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.list_sessions(name, config=config, data_dir=data_dir, wants_json=wants_json))


@agents.command("logout")
def log_out(
    name: NameArgument,
    *,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only this one, as `agents sessions` lists it.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """End all of somebody's sessions, or one of them."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.log_out(name, session=session, config=config, data_dir=data_dir))


@agents.command("password")
def set_password(
    name: NameArgument,
    *,
    password_stdin: PipedOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Give somebody another password, and end their sessions."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.set_password(name, is_password_piped=password_stdin, config=config, data_dir=data_dir))


@agents.command("remove-second-factor")
def remove_factor(name: NameArgument, *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Let somebody log in by the password alone whose app and recovery codes are lost."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.remove_factor(name, config=config, data_dir=data_dir))


@agents.command("link")
def link(
    name: NameArgument,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="What the provider calls them: `sub`, as a refused login tells it.")],
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Let somebody who is at the desk come in by the company's login (login.oidc), too."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.link(name, subject, config=config, data_dir=data_dir))


@agents.command("unlink")
def unlink(name: NameArgument, *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Let somebody come in by a password alone, and end their sessions."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.unlink(name, config=config, data_dir=data_dir))


@agents.command("disable")
def disable_agent(name: NameArgument, *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Shut somebody out, and end their sessions."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.disable_agent(name, config=config, data_dir=data_dir))


@agents.command("list")
def list_agents(
    *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR, wants_json: JsonOption = False
) -> None:
    """List everybody, also those shut out."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.list_agents(config=config, data_dir=data_dir, wants_json=wants_json))


@tokens.command("create")
def create_token(
    name: NameArgument,
    *,
    role: RoleOption,
    team: TeamOption = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", metavar="KIND:read|write", help="What it is for, such as callers:write; repeatable; none: all its roles open."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="90d", help="How long it is good for; else until it is revoked.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
) -> None:
    """Make a token and print it, alone; it is never shown again."""
    from statuspage.cli import people as commands

    typed = commands.TokenTyped(roles=role, teams=team or (), scopes=scope or (), expires=expires)
    raise typer.Exit(commands.create_token(name, typed, config=config, data_dir=data_dir))


@tokens.command("revoke")
def revoke_token(name: NameArgument, *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """End a token."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.revoke_token(name, config=config, data_dir=data_dir))


@tokens.command("list")
def list_tokens(
    *, config: ConfigOption = DEFAULT_CONFIG, data_dir: DataDirOption = DEFAULT_DATA_DIR, wants_json: JsonOption = False
) -> None:
    """List all tokens, never their texts."""
    from statuspage.cli import people as commands

    raise typer.Exit(commands.list_tokens(config=config, data_dir=data_dir, wants_json=wants_json))


@audit.command("verify")
def audit_verify(
    *,
    heads: Annotated[
        list[str] | None, typer.Option("--head", metavar="HEAD", help="What the journal said once (`audit head …`); repeatable.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    wants_json: JsonOption = False,
) -> None:
    """Find whatever was changed, taken away or put elsewhere in the audit; leaves with 1 where there is anything."""
    from statuspage.cli import audit as commands

    raise typer.Exit(commands.verify(heads or (), config=config, data_dir=data_dir, wants_json=wants_json))
