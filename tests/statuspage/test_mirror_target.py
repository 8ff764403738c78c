"""Where the file has the mirror, and what an rsync program or a bucket is told of that."""

from pathlib import Path

import pytest

from probes.settings import Secret
from statuspage.config.destinations import Way, destination, way_of
from statuspage.config.loading import load
from statuspage.mirror.target import Bucket, Elsewhere, Target, target_of

HEAD = """
site: {name: A, url: "https://status.example.net"}
services: {x: {}}
credentials: {far: {user: mirror, password: {env: FAR}}}
"""


def target(tmp_path: Path, mirror: str) -> Target | None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(f"{HEAD}{mirror}\n", encoding="utf-8")
    return target_of(load(file, {"FAR": "geheim"}).config, tmp_path / "data")


def test_a_directory_is_written_where_it_is_and_carried_nowhere(tmp_path: Path) -> None:
    assert target(tmp_path, "") is None
    assert target(tmp_path, "mirror: {to: /srv/www}") == Target(directory=Path("/srv/www"), said="/srv/www")
    assert target(tmp_path, "mirror: {to: www}") == Target(directory=tmp_path / "data" / "www", said="www")


@pytest.mark.parametrize(
    ("mirror", "far"),
    [
        ("{to: 'rsync://host/site/', within: 30s}", Elsewhere(address="rsync://host/site", within=30.0)),
        (
            "{to: 'rsync://host:873/site/a', login: far}",
            Elsewhere(address="rsync://mirror@host:873/site/a", password=Secret("geheim"), within=300.0),
        ),
        ("{to: 'rsync://eve@host/site', login: far}", Elsewhere(address="rsync://eve@host/site", password=Secret("geheim"), within=300.0)),
        ("{to: 'www@host:sites/status'}", Elsewhere(address="www@host:sites/status", within=300.0)),
        (
            "{to: 's3://site/status/a', login: far, endpoint: 'https://s3.example.net', region: eu-west-1}",
            Bucket(
                name="site",
                prefix="status/a",
                endpoint="https://s3.example.net",
                region="eu-west-1",
                key="mirror",
                secret=Secret("geheim"),
                within=300.0,
            ),
        ),
        (
            "{to: 's3://site', login: far}",
            Bucket(name="site", prefix="", endpoint=None, region="us-east-1", key="mirror", secret=Secret("geheim"), within=300.0),
        ),
    ],
)
def test_what_is_carried_is_written_to_the_data_directory_first(tmp_path: Path, mirror: str, far: Elsewhere | Bucket) -> None:
    found = target(tmp_path, f"mirror: {mirror}")
    assert found is not None
    assert (found.directory, found.far) == (tmp_path / "data" / "mirror", far)
    assert "geheim" not in repr(found)


@pytest.mark.parametrize(
    "to", ["-oProxyCommand=x@host:path", "www@-host:path", "www@host:-x y", "rsync://host/../etc", "s3://site/../other", "rsync://host"]
)
def test_no_argument_can_be_taken_for_an_option_or_leads_out_of_its_place(to: str) -> None:
    assert way_of(to) is Way.DIRECTORY
    with pytest.raises(ValueError, match="write a directory"):
        destination(to)
