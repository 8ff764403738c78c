"""Whether people are told: outgoing mail, outlets, whoever is called, and the store in which all of that waits."""

from collections.abc import Iterator

from probes.catalog import KINDS
from probes.egress import Door
from probes.run import run
from probes.settings import Login
from statuspage.cli.examining.finding import Finding, Findings, Place, Standing
from statuspage.cli.notify import refused
from statuspage.clock import wall_clock
from statuspage.config.installation import Mail
from statuspage.config.loading import Config
from statuspage.mailbox import NoMailbox, mailbox
from statuspage.store import outbox, people
from statuspage.store.engine import Store
from statuspage.store.errors import StoreError, StoreUnavailable
from statuspage.store.people import Role

_MANY = 100
"""Notifications that wait from which somebody should look."""


async def mail(place: Place) -> Findings:
    """Whether the server of ``mail:`` takes us, and where an address was given, a letter."""
    section = place.config.mail
    if section is None:
        mend = "write a section mail, so that readers can subscribe" if place.mail_to is None else "write a section mail; nothing was sent"
        standing = Standing.UNKNOWN if place.mail_to is None else Standing.BAD
        return [Finding(about="mail", standing=standing, found="no mail is sent by this configuration", mend=mend)]
    return [await _sent(place, place.mail_to) if place.mail_to is not None else await _reached(section, place.config)]


async def _sent(place: Place, to: str) -> Finding:
    try:
        address = mailbox(to)
    except NoMailbox as fault:
        return Finding(about="mail", standing=Standing.BAD, found=f"--mail {to}: {fault}", mend="give an address that you read")
    reason = await refused(address, place.config)
    if reason is None:
        return Finding(
            about="mail", standing=Standing.GOOD, found=f"a letter to {address} was taken; whether it arrives, the mailbox tells"
        )
    return Finding(about="mail", standing=Standing.BAD, found=f"a letter to {address} was not taken: {reason}", mend=_MEND)


_MEND = "see the section mail, and what the server's log says"


async def _reached(section: Mail, config: Config) -> Finding:
    """Go as far as the login."""
    login = config.credentials[section.login] if section.login is not None else None
    kind = KINDS["smtp"]
    settings = kind.settings(
        host=section.host,
        port=section.port,
        tls=section.tls,
        login=Login(user=login.user, password=login.password) if login else None,
        allow_plaintext=True,  # how mail goes out is the section's to say
    )
    result = await run(kind, settings, door=Door(), timeout=5.0, started=wall_clock())
    where = f"{section.host}:{section.port}"
    if result.failure is None:
        found = f"{where} lets us in; `statuspage doctor --mail ADDRESS` sends a letter"
        return Finding(about="mail", standing=Standing.GOOD, found=found)
    return Finding(about="mail", standing=Standing.BAD, found=f"{where}: {result.failure}: {result.detail or result.stage}", mend=_MEND)


def channels(place: Place) -> Findings:
    """Whether anybody is told when something breaks."""
    config = place.config
    told = [*config.announce, *(f"team {id}" for id, one in config.teams.items() if one.notify)]
    told += [f"person {id}" for id, one in config.people.items() if one.notify]
    if not told:
        mend = "write announce, or teams and people with notify; `statuspage notify test NAME` tries one"
        return [Finding(about="channels", standing=Standing.DOUBTFUL, found="nobody is called when something breaks", mend=mend)]
    found = f"{len(told)} to be told: {', '.join(told[:8])}{', …' if len(told) > 8 else ''}; `statuspage notify test NAME` tries one"
    return [Finding(about="channels", standing=Standing.GOOD, found=found)]


def store(place: Place) -> Findings:
    """Whether the store can be read, what waits in it, and whether anybody can log in."""
    try:
        return list(_kept(place))
    except (StoreError, StoreUnavailable, OSError) as trouble:
        return [Finding(about="store", standing=Standing.BAD, found=str(trouble), mend="see store.url and the data directory")]


def _kept(place: Place) -> Iterator[Finding]:
    url = place.config.store.url
    if url.startswith("sqlite:///") and not (place.data_dir / url.removeprefix("sqlite:///")).exists():
        yield Finding(about="store", standing=Standing.UNKNOWN, found="there is none yet", mend="`statuspage serve` makes it")
        return
    with Store.blocking(url, place.data_dir, upgrades=False) as database:
        waiting, agents = database.read(outbox.waiting), database.read(people.list_agents)
    if any(Role.ADMIN in one.roles and one.disabled_at is None for one in agents):
        yield Finding(about="store", standing=Standing.GOOD, found=f"it can be read, with {len(agents)} agents")
    else:
        mend = "`statuspage agents add NAME --role admin --role manager`"
        yield Finding(about="store", standing=Standing.DOUBTFUL, found="no admin can log in at the console", mend=mend)
    if waiting > _MANY:
        mend = "see which channel refuses: the card of an incident tells who was told"
        yield Finding(about="channels", standing=Standing.BAD, found=f"{waiting} notifications wait to be told", mend=mend)
