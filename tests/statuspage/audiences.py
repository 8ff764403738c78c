"""A small company with services that are not for everybody: everything of theirs has words that no other reader may come upon."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from incidents import act
from incidents.model import Status
from incidents.planned import planning
from probes.result import Failure
from statuspage import assembly
from statuspage.config.loading import load
from statuspage.store.engine import Store
from tests.stories.test_broken_mail_frozen import Clock, House

TOKEN = "q7YtLw2Z9hVbXc4NfRk8Ds"

SECRET = (
    "payroll",
    "Gehaltslauf",
    "Salary run",
    "wages",
    "Löhne",
    "intranet",
    "Hauspost",
    "noticeboard",
    "Innendienst",
    "Backoffice",
    "Payslips",
    "Lohnzettel",
    "Timesheets",
    "Stundenzettel",
    "ledgerbox",
    "zinnober",
    "kestrel",
    "Ocelot",
    "quokka",
    "marmoset",
    "tapir",
    "okapi",
    "numbat",
    "wombat",
    "axolotl",
    "pangolin",
    "caracal",
    "dugong",
    "serval",
    "capybara",
    "fossa",
    "kinkajou",
)
"""Names, descriptions, ids, capabilities, groups, known errors, incidents and plans of the services that are not for everybody."""

FILE = """
site: {name: Example Networks, url: "https://status.example.net", languages: [en, de]}
console: {url: "http://127.0.0.1:8081"}
store: {url: "sqlite:///kept.db"}
mail: {host: 127.0.0.1, from: "Example <noreply@example.net>"}
services:
  email: {name: {en: Email, de: E-Mail}, group: Communication, needs: [{component: outgoing-mail, as: Sending}]}
  portal: {name: Portal, needs: [webserver]}
  payroll:
    name: {en: Salary run, de: Gehaltslauf}
    description: {en: It pays the wages., de: Es zahlt die Löhne.}
    group: {en: Backoffice, de: Innendienst}
    needs:
      - {component: outgoing-mail, as: {en: Payslips, de: Lohnzettel}}
      - {component: ledgerbox, as: {en: Timesheets, de: Stundenzettel}}
    public: false
  intranet:
    name: {en: The noticeboard, de: Hauspost}
    needs: [zinnober]
    service_level: {target: 99.5, public: true}
    public: false
components: {outgoing-mail: {}, webserver: {}, ledgerbox: {}, zinnober: {}}
defaults: {monitor: {every: 5m}}
monitors:
  submission: {component: outgoing-mail, probe: tcp, host: 127.0.0.1, port: 2525}
  home: {component: webserver, probe: tcp, host: 127.0.0.1, port: 8090}
  books: {component: ledgerbox, probe: tcp, host: 127.0.0.1, port: 8091}
  board: {component: zinnober, probe: tcp, host: 127.0.0.1, port: 8092}
maintenance:
  kestrel: {name: The Ocelot week, description: Moving the quokka., services: [payroll], starts: "2026-03-20 02:00", lasts: 1h,
    repeats: FREQ=WEEKLY}
known_errors:
  marmoset: {services: [payroll], symptom: The tapir is late, workaround: Feed the okapi}
"""

WELL: Mapping[str, Failure | None] = {"submission": None, "home": None, "books": None, "board": None}


@asynccontextmanager
async def housed(directory: Path, clock: Clock, text: str = FILE, **environ: str) -> AsyncIterator[House]:
    """The service in one process, by the configuration *text*, without its schedule."""
    path = directory / "statuspage.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = load(path, environ)
    async with AsyncExitStack() as stack:
        store = await Store.open(loaded.config.store.url, directory)
        stack.push_async_callback(store.close)
        hub = await assembly.assembled(loaded, store, directory, clock)
        stack.push_async_callback(hub.pipeline.close)
        await hub.press.issue()
        public = await stack.enter_async_context(TestClient(TestServer(hub.public_runner().app)))
        internal = await stack.enter_async_context(TestClient(TestServer(hub.internal_runner().app)))
        yield House(hub=hub, clock=clock, public=public, internal=internal)


async def works(house: House) -> None:
    """All of it is seen to work, twice."""
    for _ in range(2):
        await house.hear(**WELL)
        house.clock.wait(seconds=30)


async def fails(house: House, *monitors: str) -> None:
    """Those monitors fail until an incident is open."""
    for _ in range(3):
        await house.hear(**{**WELL, **dict.fromkeys(monitors, Failure.REFUSED)})
        house.clock.wait(seconds=30)


async def happenings(house: House) -> Mapping[str, str]:
    """Much happens that is not for everybody; the ids of it all. What breaks both sides first breaks email."""
    await works(house)
    pipeline = house.hub.pipeline
    await fails(house, "board")
    (own,) = pipeline.situation.incidents
    await pipeline.act(partial(act.update, incident=own, by="ada", body="The numbat and the wombat are asleep."))
    await fails(house, "board", "submission")
    (both,) = set(pipeline.situation.incidents) - {own}
    await pipeline.act(
        partial(act.open_incident, name="An axolotl is lost", services={"payroll": Status.MAJOR}, by="ada", body="Like a pangolin.")
    )
    (lost,) = set(pipeline.situation.incidents) - {own, both}
    starts = house.clock() + timedelta(days=4)
    wish = planning.Wish(
        name="Washing the caracal",
        body="With the dugong.",
        services=("intranet",),
        components=("zinnober",),
        starts=starts,
        ends=starts + timedelta(hours=1),
    )
    await pipeline.act(partial(planning.plan, by="ada", wish=wish))
    (window,) = (id for id, one in pipeline.situation.maintenances.items() if "Washing the caracal" in one.name.values())
    await house.settle()
    return {"own": own, "both": both, "lost": lost, "window": window}


async def pages_of(house: House) -> list[str]:
    """Every path of the main page that there is, in every language, whatever it is made from."""
    hub = house.hub
    shelf = hub.press.shelf
    assert shelf is not None
    months = [path for path in await hub.library.paths() if "{" not in path]
    ledgers = [
        f"/services/{id}/ledger/{word}.{form}" for id in ("email", "portal") for word in ("month", "90d") for form in ("json", "csv")
    ]
    beside = ["/fresh.json", "/history/search/working", *months, *(f"/de{path}" for path in months)]
    return [*hub.press.publisher.paths(shelf), *beside, *ledgers]


def secrets_in(told: str, words: Iterable[str] = SECRET) -> list[str]:
    """Which of *words* are told, however they are written."""
    return [word for word in words if word.lower() in told.lower()]
