from pathlib import Path

import pytest

from statuspage.config.loading import ConfigError, load

BAD = sorted((Path(__file__).parent / "bad_configs").glob("*.yaml"))


def expected(path: Path) -> list[str]:
    return [line.removeprefix("# expect: ") for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# expect: ")]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_with_place_path_and_mend(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, {"PROBE_PASSWORD": "hunter2"})
    told = [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]
    assert told == expected(path)
    assert told
    assert "hunter2" not in str(caught.value)


def test_every_sin_has_a_file_of_its_own() -> None:
    assert len(BAD) > 80
    assert all(expected(path) for path in BAD)
