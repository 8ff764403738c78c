"""``statuspage backup`` and ``restore``: what comes back is what was there, and what cannot be trusted touches nothing."""

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, RowMapping, text

from statuspage.app import ASKED_FILE, LOCK_FILE, OUTCOME_FILE, alone
from statuspage.backups.belongings import PASSING
from statuspage.last_page import LAST_PAGE
from statuspage.store.acts import write_audit
from statuspage.store.engine import Store
from statuspage.whereabouts import HUB_FILE
from tests.statuspage.store.worlds import after, begin, opened, write
from tests.statuspage.terminal import Ended, statuspage
from tests.stores import Postgresql

CONFIG = """
site: {name: Example, url: "http://127.0.0.1:1", logo: signs/logo.png}
listen: {public: "127.0.0.1:0", internal: "127.0.0.1:0"}
mail: {host: mail.example.org, from: "Example <a@example.org>", login: postbox}
credentials: {postbox: {user: ada, password: {env: MAIL_PASSWORD}}, other: {user: bob, password: {file: bob.secret}}}
"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SECRETS = {"MAIL_PASSWORD": "hunter-two"}


def lived(here: Path, url: str = "sqlite:///statuspage.db") -> Path:
    """An installation with an incident and an audit in it."""
    here.mkdir(exist_ok=True)
    store = "" if url == "sqlite:///statuspage.db" else f"store: {{url: '{url}'}}\n"
    (here / "statuspage.yaml").write_text(CONFIG + store)
    (here / "signs").mkdir()
    (here / "signs" / "logo.png").write_bytes(PNG)
    (here / "bob.secret").write_text("swordfish")

    def act(connection: Connection) -> None:
        for number in range(3):
            write_audit(connection, at=after(number), actor="ada", act="note", subject=f"i{number}", detail={})

    with Store.blocking(url, here / "data") as database:
        begin(database)
        write(database, opened())
        database.write(act)
    (here / "data" / "later.key").write_text("a key of a later release")
    return here


async def taken(here: Path) -> Path:
    ended = await statuspage("backup", "../kept.tar", here=here, environ=SECRETS)
    assert ended.code == 0, ended.err
    return here.parent / "kept.tar"


def below(directory: Path) -> list[str]:
    return [str(path.relative_to(directory)) for path in directory.rglob("*")]


def rows(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


async def test_what_is_restored_on_an_empty_machine_is_what_was_there(tmp_path: Path) -> None:
    old, new = lived(tmp_path / "old"), tmp_path / "new"
    told = await statuspage("backup", "../kept.tar", "--json", here=old, environ=SECRETS)
    said, kept = json.loads(told.out), tmp_path / "kept.tar"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert said["size"] == kept.stat().st_size
    assert {one["path"] for one in said["secrets"]} == {"credentials.postbox.password", "credentials.other.password"}
    assert not any(word in kept.read_bytes() for word in (b"hunter-two", b"swordfish"))
    with tarfile.open(kept) as plain:
        assert "config/signs/logo.png" in plain.getnames()
    new.mkdir()
    ended = await statuspage("restore", "../kept.tar", here=new)
    assert ended.code == 0, ended.err
    assert "credentials.postbox.password: the environment variable MAIL_PASSWORD (missing)" in ended.out
    assert "credentials.other.password: the file bob.secret (missing)" in ended.out
    assert rows(new / "data" / "statuspage.db") == rows(old / "data" / "statuspage.db")
    for name in ("data/audit.key", "data/audit.head", "data/later.key", "statuspage.yaml", "signs/logo.png"):
        assert (new / name).read_bytes() == (old / name).read_bytes()
        assert stat.S_IMODE((new / name).stat().st_mode) == 0o600
    (new / "bob.secret").write_text("swordfish")
    audit = await statuspage("audit", "verify", here=new, environ=SECRETS)
    assert "3 rows, unbroken" in audit.out, audit.err


async def test_a_postgresql_database_comes_back_as_it_was(tmp_path: Path, postgresql: Postgresql) -> None:
    old, url = lived(tmp_path / "old", postgresql.migrated()), postgresql.empty()
    await taken(old)
    new = tmp_path / "new"
    new.mkdir()
    (new / "statuspage.yaml").write_text(CONFIG + f"store: {{url: '{url}'}}\n")
    ended = await statuspage("restore", "../kept.tar", here=new)
    assert ended.code == 0, ended.err
    assert "statuspage.yaml was there, and is left as it was" in ended.out
    there = [(one, dumped(one, data)) for one, data in ((_url(old), old), (url, new))]
    assert there[0][1] == there[1][1]
    again = await statuspage("restore", "../kept.tar", "--data-dir", "other", here=new)
    assert (again.code, again.err) == (1, "The database that store.url names is not empty: name one without tables of this service.\n")
    assert not (new / "other" / "restore-unfinished").exists()
    marker, taken_at = new / "data" / "restore-unfinished", json.loads(_manifest(tmp_path / "kept.tar"))["taken_at"]
    marker.write_text("../kept.tar\n")
    assert (await statuspage("restore", "../kept.tar", here=new)).code == 1
    assert marker.exists(), "the data directory is not whole yet"
    marker.write_text(f"../kept.tar\nthe database is filled as of {taken_at.replace('Z', '+00:00')}\n")
    (new / "data" / "audit.key").unlink()
    assert (await statuspage("restore", "../kept.tar", here=new)).code == 0
    assert (new / "data" / "audit.key").read_bytes() == (old / "data" / "audit.key").read_bytes()
    assert not marker.exists()


def _manifest(kept: Path) -> bytes:
    with tarfile.open(kept) as whole:
        body = whole.extractfile("manifest.json")
        return b"" if body is None else body.read()


def _url(here: Path) -> str:
    return (here / "statuspage.yaml").read_text().rpartition("'")[0].rpartition("'")[2]


def all_of(connection: Connection, table: str) -> Sequence[RowMapping]:
    return connection.execute(text(f'SELECT * FROM "{table}"')).mappings().all()


def dumped(url: str, here: Path) -> dict[str, object]:
    """All rows of all tables, and what each sequence gives next."""

    def read(connection: Connection) -> dict[str, object]:
        found = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).scalars()
        tables = {name: sorted(str(sorted(row.items())) for row in all_of(connection, name)) for name in found}
        return tables | {"sequences": connection.execute(text("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")).all()}

    with Store.blocking(url, here / "data") as database:
        return database.read(read)


async def test_a_data_directory_in_use_is_left_alone_or_put_aside(tmp_path: Path) -> None:
    kept, here = await taken(lived(tmp_path / "old")), tmp_path / "old"
    before = (here / "data" / "later.key").stat().st_ino
    refused = await statuspage("restore", str(kept), here=here)
    assert refused.code == 1
    assert "data is in use (audit.head, audit.key, later.key, statuspage.db): name another by --data-dir" in refused.err
    with alone(here / "data"):
        refused = await statuspage("restore", str(kept), "--replace", here=here)
    assert (refused.code, refused.err) == (1, "Another statuspage is running on data.\n")
    assert (here / "data" / "later.key").stat().st_ino == before
    ended = await statuspage("restore", str(kept), "--replace", "--json", here=here)
    aside = here / json.loads(ended.out)["put_aside"]
    assert (aside / "later.key").stat().st_ino == before
    assert (aside / "statuspage.db").exists()
    assert (here / "data" / "later.key").exists()


async def test_a_backup_in_the_data_directory_is_in_no_other_and_stays_where_it_is_put_back_from(tmp_path: Path) -> None:
    here = lived(tmp_path / "old")
    sizes = []
    for _ in range(3):
        assert (await statuspage("backup", "data/kept.tar", here=here, environ=SECRETS)).code == 0
        sizes.append((here / "data" / "kept.tar").stat().st_size)
    assert sizes[0] == sizes[2]
    ended = await statuspage("restore", "data/kept.tar", "--replace", here=here)
    assert ended.code == 0, ended.err
    assert (here / "data" / "kept.tar").exists()
    new = tmp_path / "new"
    (new / "data").mkdir(parents=True)
    shutil.copy(here / "data" / "kept.tar", new / "data")
    assert (await statuspage("restore", "data/kept.tar", here=new)).code == 0


async def test_a_backup_takes_the_place_of_another_alone(tmp_path: Path) -> None:
    here = lived(tmp_path / "old")
    (here / "empty").touch()
    assert (await statuspage("backup", "empty", here=here, environ=SECRETS)).code == 0
    before = (here / "statuspage.yaml").read_bytes()
    refused = await statuspage("backup", "statuspage.yaml", here=here, environ=SECRETS)
    assert (refused.code, "statuspage.yaml is there, and is no backup" in refused.err) == (2, True)
    assert (here / "statuspage.yaml").read_bytes() == before


async def test_what_others_left_beside_a_backup_stays(tmp_path: Path) -> None:
    theirs, ours = (tmp_path / name for name in (".backup-keys", ".statuspage-backup-abcdefgh"))
    (tmp_path / ".statuspage-backup-notes" / "mine").mkdir(parents=True)
    for directory in (theirs, ours, tmp_path / ".statuspage-backup-notes"):
        directory.mkdir(exist_ok=True)
        os.utime(directory, (1, 1))
    await taken(lived(tmp_path / "old"))
    assert {name.partition("/")[0] for name in below(tmp_path)} == {"old", "kept.tar", ".backup-keys", ".statuspage-backup-notes"}


@pytest.mark.parametrize("file", ["a", "deep/er.db"])
async def test_whatever_the_store_is_called_and_wherever_it_lies_all_comes_back(file: str, tmp_path: Path) -> None:
    (tmp_path / "old" / "data" / "deep").mkdir(parents=True)
    old, new = lived(tmp_path / "old", f"sqlite:///{file}"), tmp_path / "new"
    (old / "data" / f"{file}.damaged-20260302T080000Z").write_text("of no use to anybody")
    await taken(old)
    assert b"of no use" not in (tmp_path / "kept.tar").read_bytes()
    new.mkdir()
    ended = await statuspage("restore", "../kept.tar", here=new)
    assert ended.code == 0, ended.err
    for name in ("audit.key", "audit.head", "later.key"):
        assert (new / "data" / name).read_bytes() == (old / "data" / name).read_bytes()
    assert rows(new / "data" / file) == rows(old / "data" / file)


async def test_a_configuration_that_is_a_link_comes_back_under_the_name_of_the_link(tmp_path: Path) -> None:
    old, new = lived(tmp_path / "old"), tmp_path / "new"
    (old / "statuspage.yaml").rename(old / "real.yaml")
    (old / "statuspage.yaml").symlink_to("real.yaml")
    await taken(old)
    new.mkdir()
    ended = await statuspage("restore", "../kept.tar", here=new)
    assert "serve --config statuspage.yaml" in ended.out
    assert (new / "statuspage.yaml").read_text() == (old / "real.yaml").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_what_root_does_belongs_to_the_service_afterwards(tmp_path: Path) -> None:
    kept, new = await taken(lived(tmp_path / "old")), tmp_path / "new"
    (new / "data").mkdir(parents=True)
    os.chown(new / "data", 4711, 4712)
    assert (await statuspage("restore", str(kept), here=new)).code == 0
    (new / "bob.secret").write_text("swordfish")
    added = await statuspage("agents", "add", "ben", "--role", "level-one", here=new, environ=SECRETS)
    assert added.code == 0, added.err
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in (new / "data").iterdir()}
    assert {"audit.head", "audit.key", "lock", "statuspage.db"} <= owners.keys()
    assert set(owners.values()) == {(4711, 4712)}, owners


async def test_a_restore_that_was_cut_off_lets_nothing_start_until_it_is_done_again(tmp_path: Path) -> None:
    old, new = lived(tmp_path / "old"), tmp_path / "new"
    await taken(old)
    (new / "data").mkdir(parents=True)
    (new / "data" / "restore-unfinished").write_text("../kept.tar\n")
    (new / "data" / "audit.key").write_text("half")
    (new / "statuspage.yaml").write_text(CONFIG)
    (new / "bob.secret").write_text("swordfish")
    (new / "signs").mkdir()
    (new / "signs" / "logo.png").write_bytes(PNG)
    for words in (("serve",), ("audit", "verify")):
        ended = await statuspage(*words, here=new, environ=SECRETS)
        assert (ended.code, ended.err.splitlines()[-1]) == (
            2,
            "data is only half restored: run `statuspage restore ../kept.tar` again, to its end.",
        )
    assert (await statuspage("restore", "../kept.tar", here=new)).code == 0
    assert (new / "data" / "audit.key").read_bytes() == (old / "data" / "audit.key").read_bytes()


# --- what cannot be trusted ------------------------------------------------------------------------------------------------------

Forge = Callable[[dict[str, Any], list[tuple[tarfile.TarInfo, bytes]]], None]


def entry(name: str, body: bytes, kind: bytes = tarfile.REGTYPE) -> tuple[tarfile.TarInfo, bytes]:
    made = tarfile.TarInfo(name)
    made.size, made.type = len(body), kind
    return made, body


def leads_elsewhere(manifest: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["files"].append({"name": "data/../../evil", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()})
    entries.append(entry("data/../../evil", b"x"))


def links(_: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    made, _body = entry(entries[-1][0].name, b"", tarfile.SYMTYPE)
    made.linkname = "/etc/passwd"
    entries[-1] = (made, b"")


def boasts(manifest: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["files"][-1]["size"] = entries[-1][0].size = 1 << 50


def holds_more(_: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    entries.append(entry("data/evil", b"x"))


def differs(_: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    made, body = entries[0]
    entries[0] = (made, bytes([body[0] ^ 1]) + body[1:])


def is_newer(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest |= {"schema": "9999", "version": "9.0"}


def is_of_another_form(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest |= {"format": 2, "version": "9.0"}


def lies_elsewhere(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["store"]["file"] = "../../evil.db"


def says_nothing(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    del manifest["store"]


def leads_out_by_its_name(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["config"] = {"name": "..", "is_directory": True}


def hides(manifest: dict[str, Any], _: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["config"] = {"name": ".ssh", "is_directory": True}


def lacks_its_store(manifest: dict[str, Any], entries: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    manifest["files"] = [one for one in manifest["files"] if one["name"] != "store/store.db"]
    entries[:] = [one for one in entries if one[0].name != "store/store.db"]


FORGED: dict[Forge, str] = {
    leads_elsewhere: "is not to be trusted: its manifest names a file that leads elsewhere",
    links: "in it is not a plain file",
    boasts: "ends in the middle",
    holds_more: "it holds more than its manifest says",
    differs: "is damaged: config/signs/logo.png is not as it was written",
    is_newer: "was made by a newer release (9.0, schema 9999; this is ",
    is_of_another_form: "was made by a newer release (9.0, schema 00",
    lies_elsewhere: "its store lay outside the data directory",
    leads_out_by_its_name: "its configuration is called '..'. Say by --config",
    hides: "its configuration is called '.ssh'. Say by --config",
    lacks_its_store: "store.db is missing in its store",
    says_nothing: "is no backup: what its manifest says of store cannot be read",
}


def forged(kept: Path, forge: Forge, into: Path) -> None:
    with tarfile.open(kept) as whole:
        bodies = [(name, whole.extractfile(name)) for name in whole.getnames()]
        entries = [entry(name, body.read()) for name, body in bodies if body is not None]
    manifest = json.loads(entries.pop(0)[1])
    forge(manifest, entries)
    with tarfile.open(into, "w", format=tarfile.GNU_FORMAT) as made:
        for member, body in (entry("manifest.json", json.dumps(manifest).encode()), *entries):
            made.fileobj.write(member.tobuf(tarfile.GNU_FORMAT) + body + bytes(-len(body) % 512))
    whole_length = into.read_bytes().rstrip(b"\0")
    into.write_bytes(whole_length + bytes(-len(whole_length) % 512) + bytes(1024))


async def test_an_archive_that_is_not_ours_to_the_letter_is_refused_in_one_line_and_touches_nothing(tmp_path: Path) -> None:
    kept, new = await taken(lived(tmp_path / "old")), tmp_path / "new"
    new.mkdir()
    for forge, told in FORGED.items():
        forged(kept, forge, tmp_path / "forged.tar")
        _refused(await statuspage("restore", "../forged.tar", here=new), told)
    for length, told in (
        (600, "ends in the middle"),
        (kept.stat().st_size - 3000, "ends in the middle"),
        (100, "is no backup, or not whole"),
    ):
        (tmp_path / "cut.tar").write_bytes(kept.read_bytes()[:length])
        _refused(await statuspage("restore", "../cut.tar", here=new), told)
    _refused(await statuspage("restore", "../none.tar", here=new), "No such file")
    assert not any("evil" in name for name in below(tmp_path))
    assert set(below(new)) <= {"data", "data/lock"}


def _refused(ended: Ended, told: str) -> None:
    assert ended.code == 1
    assert len(ended.err.splitlines()) == 1
    assert told in ended.err


async def test_what_cannot_be_backed_up_says_so_and_leaves_what_was_there(tmp_path: Path) -> None:
    here = lived(tmp_path / "old")
    kept = await taken(here)
    before = kept.read_bytes()
    whole = bytearray((here / "data" / "statuspage.db").read_bytes())
    for page in range(4096 * 3, len(whole), 4096 * 7):
        whole[page : page + 16] = bytes(16)
    (here / "data" / "statuspage.db").write_bytes(whole)
    ended = await statuspage("backup", str(kept), here=here, environ=SECRETS)
    assert ended.code == 1
    assert "There is no backup: the store" in ended.err
    assert kept.read_bytes() == before
    assert {name.partition("/")[0] for name in below(tmp_path)} == {"kept.tar", "old"}


def test_what_means_nothing_without_its_process_is_kept_in_no_backup() -> None:
    assert {LOCK_FILE, HUB_FILE, OUTCOME_FILE, ASKED_FILE, LAST_PAGE} <= PASSING


@pytest.mark.parametrize("into", ["nowhere/kept.tar", "."])
async def test_a_backup_that_has_no_place_is_told_in_one_line(tmp_path: Path, into: str) -> None:
    ended = await statuspage("backup", into, here=lived(tmp_path / "old"), environ=SECRETS)
    assert ended.code in {1, 2}
    assert len(ended.err.splitlines()) == 1
