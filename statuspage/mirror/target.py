"""Where the mirror is to stand, as the configuration says it: the directory that is written, and the place that it is carried to."""

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from probes.settings import Secret
from statuspage.config.destinations import Way, way_of
from statuspage.config.loading import Config

STAGE = "mirror"
"""Within the data directory, what is written before it is carried elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """What an rsync program is told: an *address*, the *password* of a daemon, and the seconds *within* which all must be done."""

    address: str
    password: Secret | None = None
    within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket that speaks S3, and the *prefix* within it; without *endpoint* it is Amazon's in the *region*."""

    name: str
    prefix: str
    endpoint: str | None
    region: str
    key: str
    secret: Secret
    within: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The *directory* that versions are written to, and where the newest is carried from there: nowhere (None), if a host serves it.

    *said* is how the operator wrote it.
    """

    directory: Path
    said: str
    far: Elsewhere | Bucket | None = None


def target_of(config: Config, data_dir: Path) -> Target | None:
    """Where the mirror is to stand; None where there is to be none."""
    given = config.mirror
    if given is None:
        return None
    login, within = config.credentials[given.login] if given.login else None, given.within.total_seconds()
    match way_of(given.to):
        case Way.DIRECTORY:
            return Target(directory=data_dir / given.to, said=given.to)
        case Way.BUCKET:
            if login is None:
                raise ValueError("a bucket without a login: the configuration refuses that")
            name, _, prefix = given.to.removeprefix("s3://").partition("/")
            bucket = Bucket(
                name=name,
                prefix=prefix,
                endpoint=given.endpoint,
                region=given.region,
                key=login.user,
                secret=login.password,
                within=within,
            )
            return Target(directory=data_dir / STAGE, said=given.to, far=bucket)
        case Way.DAEMON | Way.SSH:
            address = given.to if login is None or "@" in given.to else given.to.replace("://", f"://{login.user}@")
            far = Elsewhere(address=address, password=login.password if login else None, within=within)
            return Target(directory=data_dir / STAGE, said=given.to, far=far)
        case other:
            assert_never(other)
