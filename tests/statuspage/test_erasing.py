"""What is kept of people can be given out and forgotten: afterwards no byte of the store has it, and the audit's chain is whole."""

from pathlib import Path

from sqlalchemy import Connection

from statuspage.store import acts, outbox, reports
from statuspage.store.chain import Witness
from statuspage.store.people import Role
from statuspage.store.reports import Said
from tests.statuspage.desks import House, housed

WORD = "zweiundzwanzigschwertfische"


def holding(house: House) -> set[str]:
    return {path.name for path in house.data_dir.iterdir() if path.is_file() and WORD.encode() in path.read_bytes()}


async def test_nothing_is_left_of_whom_the_desk_forgets_and_the_chain_is_whole(tmp_path: Path) -> None:
    async with housed(tmp_path) as house:
        desk = await house.program("desk", Role.LEVEL_TWO)
        caller = {"service": "email", "symptom": f"says {WORD}", "ticket": f"T-{WORD}"}
        assert (await desk.send("/callers", caller, Idempotency_Key="once")).status == 201
        await desk.send("/callers", {"service": "email", "ticket": "T-2"})
        hook = {"channel": "webhook", "address": f"https://hooks.example.net/{WORD}"}
        subscriber = (await (await desk.send("/subscribers", hook)).json())["id"]
        waiting = {"kind": "report_confirmed", "to": f"{WORD}@example.org"}

        def report(connection: Connection) -> None:
            said = Said(symptom="", words=WORD, language="en")
            reports.report(connection, "email", said, client="x", contact=f"{WORD}@example.org", at=house.now)
            outbox.write_letter(connection, key="report:1:confirmed", channel="mail", recipient="report:1", letter=waiting, at=house.now)

        await house.store.write(report)
        assert holding(house)

        given = await (await desk.get("/callers", ticket=f"T-{WORD}")).json()
        assert [one["symptom"] for one in given["items"]] == [f"says {WORD}"]
        assert WORD in await (await desk.get("/reports")).text()
        assert WORD in await (await desk.get(f"/subscribers/{subscriber}")).text()

        for path in (f"/callers/tickets/T-{WORD}", "/reports/1", f"/subscribers/{subscriber}"):
            assert (await desk.delete(path)).status == 200, path
            assert (await desk.delete(path)).status == 404, path
        await house.store.purge()
        assert holding(house) == set()
        assert [one["ticket"] for one in (await (await desk.get("/callers")).json())["items"]] == ["T-2"]
        assert [row.act for row in await house.audit()][-3:] == ["erase callers", "erase report", "unsubscribe"]
        witness = Witness(house.data_dir)
        _, count, breaks = await house.store.read(lambda connection: acts.verify_audit(connection, witness, ()))
        assert count > 3
        assert breaks == ()
