"""``statuspage init`` and its answers; how it goes on from there is told by tests/test_readme.py."""

import os
from pathlib import Path

import pytest

from tests.statuspage.terminal import statuspage


@pytest.mark.parametrize("typed", ["", "Muster IT\n", "Muster IT\n\nhttps://127.0.0.1:9/\nn\n"])
async def test_answers_that_end_early_leave_nothing_behind(typed: str, tmp_path: Path) -> None:
    ended = await statuspage("init", here=tmp_path, typed=typed)
    assert (ended.code, "nothing was written" in ended.err) == (2, True), ended.out + ended.err
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_what_cannot_be_is_asked_for_again_and_what_is_there_already_stays(tmp_path: Path) -> None:
    answers = ["\x1b[31mMuster", "  Muster IT ", "ftp://muster.example", "status.muster.example", "not a host", "", "", "\x07", "anna"]
    ended = await statuspage("init", "--no-start", here=tmp_path, typed="\n".join(answers) + "\n")
    assert ended.code == 0, ended.out + ended.err
    file = tmp_path / "statuspage.yaml"
    before = file.read_text()
    assert 'name: Muster IT\n  url: "https://status.muster.example"' in before
    assert "\x1b" not in before
    assert (await statuspage("check-config", here=tmp_path)).code == 0
    again = await statuspage("init", "--yes", "--no-start", here=tmp_path)
    assert (again.code, "--replace" in again.err, file.read_text()) == (2, True, before)
    other = await statuspage("init", "--yes", "--no-start", "--replace", "--name", "Other", here=tmp_path)
    assert (other.code, "still can" in other.out) == (0, True), other.err
    assert (tmp_path / "statuspage.yaml.old-1").read_text() == before
    assert "name: Other" in file.read_text()
