"""The mirror's directory: whole versions that share what has not changed, switched at once."""

import errno
import fcntl
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

import pytest

from statuspage.mirror.publication import publish
from statuspage.mirror.version import Edition, Leaf, leaf
from statuspage.mirror.versions import CURRENT, KEPT, LOCK, VERSIONS, Versions
from statuspage.mirror.writing import MANIFEST

AT = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
ASSET = "assets/style-1.css"


def leaves(**bodies: str) -> Mapping[str, Leaf]:
    """Files whose names have an ending and a directory."""
    return {f"{name.replace('_', '/')}.html": leaf(body.encode()) for name, body in bodies.items()}


def served(directory: Path) -> dict[str, str]:
    """What a host finds."""
    home = directory / CURRENT
    return {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()}


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / VERSIONS).iterdir())


@pytest.fixture
def directory(in_memory: Path) -> Path:
    return in_memory / "mirror"


def test_what_is_published_is_what_is_served_with_all_its_directories(directory: Path) -> None:
    publish(directory, leaves(index="all is well", incidents_abc_index="it was the disk"), AT)
    assert served(directory) == {"index.html": "all is well", "incidents/abc/index.html": "it was the disk"}


def test_what_has_not_changed_is_the_same_file_in_the_next_version(directory: Path) -> None:
    publish(directory, leaves(index="well", past="quiet"), AT)
    before = {name: (directory / CURRENT / name).stat() for name in ("index.html", "past.html")}
    publish(directory, leaves(index="ill", past="quiet"), AT + timedelta(minutes=1))
    after = {name: (directory / CURRENT / name).stat() for name in before}
    assert (after["past.html"].st_ino, after["past.html"].st_mtime_ns) == (before["past.html"].st_ino, before["past.html"].st_mtime_ns)
    assert after["index.html"].st_ino != before["index.html"].st_ino
    assert served(directory) == {"index.html": "ill", "past.html": "quiet"}


def test_the_same_again_makes_no_new_version(directory: Path) -> None:
    first = publish(directory, leaves(index="well"), AT)
    assert publish(directory, leaves(index="well"), AT + timedelta(minutes=1)).number == first.number
    assert names(directory) == [first.name]


def test_the_time_of_change_grows_with_every_change_whatever_the_clock_does(directory: Path) -> None:
    stamps = []
    for number, at in enumerate((AT, AT, AT - timedelta(days=30), AT)):
        publish(directory, leaves(index=str(number % 2)), at)
        stamps.append(int((directory / CURRENT / "index.html").stat().st_mtime))
    assert stamps == sorted(set(stamps))


def test_a_body_that_comes_back_is_newer_than_what_stood_there_meanwhile(directory: Path) -> None:
    """Hosts that answer If-Modified-Since by the time alone would go on telling what stood there meanwhile."""
    publish(directory, leaves(index="well", old="well"), AT)
    publish(directory, leaves(index="ill", old="well"), AT + timedelta(minutes=1))
    meanwhile = (directory / CURRENT / "index.html").stat().st_mtime
    publish(directory, leaves(index="well", old="well"), AT + timedelta(minutes=2))
    assert (directory / CURRENT / "index.html").stat().st_mtime > meanwhile


def test_a_few_old_versions_stay_and_the_rest_is_swept(directory: Path) -> None:
    for number in range(KEPT + 4):
        publish(directory, leaves(index=str(number)), AT + timedelta(minutes=number))
    assert names(directory) == [f"{number:08d}" for number in range(4, KEPT + 5)]


def test_what_was_never_finished_is_swept_and_never_served(directory: Path) -> None:
    publish(directory, leaves(index="well"), AT)
    half = directory / VERSIONS / "00000009" / "site"
    half.mkdir(parents=True)
    (half / "index.html").write_text("hal")
    (directory / ".current-00000009").symlink_to("versions/00000009/site")
    publish(directory, leaves(index="ill"), AT)
    assert served(directory) == {"index.html": "ill"}
    assert names(directory) == ["00000001", "00000010"]
    assert sorted(path.name for path in directory.iterdir()) == [CURRENT, LOCK, VERSIONS]


def test_a_whole_version_is_found_again_where_its_link_was_never_put(directory: Path) -> None:
    publish(directory, leaves(index="well"), AT)
    (directory / CURRENT).unlink()
    found = Versions(directory).newest()
    assert found is not None
    publish(directory, leaves(index="well"), AT)
    assert served(directory) == {"index.html": "well"}


def test_a_file_that_somebody_touched_is_not_shared_any_more(directory: Path) -> None:
    publish(directory, leaves(index="well", past="quiet"), AT)
    touched = directory / CURRENT / "past.html"
    touched.chmod(0o644)
    touched.write_text("QUIET")
    publish(directory, leaves(index="ill", past="quiet"), AT + timedelta(minutes=1))
    assert served(directory) == {"index.html": "ill", "past.html": "quiet"}


def test_a_file_that_is_gone_from_the_last_version_is_written_again(directory: Path) -> None:
    publish(directory, leaves(index="well", past="quiet"), AT)
    (directory / CURRENT / "past.html").unlink()
    publish(directory, leaves(index="ill", past="quiet"), AT)
    assert served(directory) == {"index.html": "ill", "past.html": "quiet"}


def test_a_version_that_cannot_be_read_is_no_reason_to_stop(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = publish(directory, leaves(index="well"), AT)
    manifest = directory / VERSIONS / first.name / MANIFEST
    manifest.chmod(0o644)
    manifest.write_text("{")
    publish(directory, leaves(index="ill"), AT)
    assert served(directory) == {"index.html": "ill"}
    assert first.name in caplog.text


def test_a_file_system_without_hard_links_gets_copies(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(directory, leaves(index="well", past="quiet"), AT)

    def cannot(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(self), None, str(target))

    monkeypatch.setattr(Path, "hardlink_to", cannot)
    publish(directory, leaves(index="ill", past="quiet"), AT)
    assert served(directory) == {"index.html": "ill", "past.html": "quiet"}


def test_everything_may_be_read_by_a_host_and_written_by_nobody_whatever_the_umask(directory: Path) -> None:
    before = os.umask(0o077)
    try:
        publish(directory, leaves(index="well", incidents_abc_index="disk"), AT)
    finally:
        os.umask(before)
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (directory / CURRENT).resolve().rglob("*")}
    assert modes == {True: 0o755, False: 0o444}
    assert [stat.S_IMODE(path.stat().st_mode) for path in (directory, directory / VERSIONS)] == [0o755, 0o755]


@pytest.mark.parametrize("name", ["../out.html", "/etc/passwd", "a//b", "", "a/./b", "a\nb", "a" * 256])
def test_no_name_leads_out_of_its_version_and_nothing_of_it_stays(directory: Path, name: str) -> None:
    publish(directory, leaves(index="well"), AT)
    with pytest.raises(ValueError, match="not the name of a file"):
        publish(directory, {**leaves(index="ill"), name: leaf(b"x")}, AT)
    assert served(directory) == {"index.html": "well"}
    assert len(names(directory)) == 1


def test_a_directory_whose_place_is_missing_is_not_made_beside_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "not-mounted" / "mirror", leaves(index="well"), AT)
    assert list(tmp_path.iterdir()) == []


def test_something_else_under_the_name_of_the_link_is_not_taken_away(directory: Path) -> None:
    (directory / CURRENT).mkdir(parents=True)
    (directory / CURRENT / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="directory"):
        publish(directory, leaves(index="well"), AT)
    assert (directory / CURRENT / "mine.txt").read_text() == "mine"


def test_an_asset_of_the_version_before_stays_for_one_more(directory: Path) -> None:
    page = leaves(index="well")
    publish(directory, {**page, ASSET: leaf(b"old")}, AT)
    publish(directory, {**page, "assets/style-2.css": leaf(b"new")}, AT)
    assert served(directory)[ASSET] == "old"
    publish(directory, {**page, "assets/style-2.css": leaf(b"new"), "more.html": leaf(b"more")}, AT)
    assert served(directory).keys() == {"index.html", "more.html", "assets/style-2.css"}


def test_who_cannot_have_the_directory_alone_is_told_and_may_still_switch(directory: Path) -> None:
    publish(directory, leaves(index="well"), AT)
    with (directory / LOCK).open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with Versions(directory).alone(patience=0.0) as is_alone:
            assert not is_alone
            Versions(directory).put(Edition(files=leaves(index="ill"), at=AT), is_alone=is_alone)
    assert served(directory) == {"index.html": "ill"}


class Reader:
    """Reads over and over what is served, on a thread of its own; every file tells which publication it belongs to."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.is_over, self.seen = directory, threading.Event(), set[int]()
        self.wrong: list[str] = []
        self.thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        while not self.is_over.is_set():
            for name in ("index.html", "a/index.html", "big.html"):
                lines = (self.directory / CURRENT / name).read_text().splitlines()
                if len(lines) != lines_of(name) or len(set(lines)) != 1:
                    self.wrong.append(f"{name}: {len(lines)} lines, {sorted(set(lines))[:3]}")
                self.seen.add(int(lines[0]))

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()


def lines_of(name: str) -> int:
    return 20_000 if name == "big.html" else 10


def numbered(number: int) -> Iterator[tuple[str, Leaf]]:
    for name in ("index.html", "a/index.html", "big.html"):
        yield name, leaf(f"{number}\n".encode() * lines_of(name))


def test_a_reader_during_many_publications_sees_no_half_written_and_no_mixed_file(
    directory: Path,
    is_soak: bool,  # noqa: FBT001 - a fixture
) -> None:
    last = 1000 if is_soak else 300
    publish(directory, dict(numbered(0)), AT)
    with Reader(directory) as reader:
        for number in range(1, last + 1):
            publish(directory, dict(numbered(number)), AT)
    assert reader.wrong == []
    assert len(reader.seen) > 50, "the reader hardly looked"
    assert {line for body in served(directory).values() for line in body.split()} == {str(last)}
