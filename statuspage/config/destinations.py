"""Where the mirror may be carried, as ``mirror.to`` says it: a directory, an rsync daemon, a host behind ssh, or a bucket."""

import re
from enum import StrEnum

_USER, _HOST, _PATH = r"[A-Za-z0-9_][\w.-]*", r"(?:[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])", r"[\w./~+-]+"
_STEP = r"(?!\.{1,2}(?:/|$))[\w.-]+"
_STEPS = rf"{_STEP}(?:/{_STEP})*"


class Way(StrEnum):
    """How the files come to where a host serves them."""

    DIRECTORY = "directory"
    DAEMON = "rsync daemon"
    SSH = "rsync by ssh"
    BUCKET = "bucket"


_FORMS = {
    Way.DAEMON: re.compile(rf"rsync://(?:{_USER}@)?{_HOST}(?::\d{{1,5}})?/{_STEPS}/?", re.ASCII),
    Way.SSH: re.compile(rf"{_USER}@{_HOST}:{_PATH}", re.ASCII),
    Way.BUCKET: re.compile(rf"s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9](?:/{_STEPS})?/?", re.ASCII),
}


def way_of(to: str) -> Way:
    """Which way *to* means: whatever has none of the other forms is a directory."""
    return next((way for way, form in _FORMS.items() if form.fullmatch(to)), Way.DIRECTORY)


def destination(to: str) -> str:
    """Accept *to*. Errors: ValueError for what is an address and none of ours."""
    if way_of(to) is Way.DIRECTORY and re.match(r"[\w+.-]+://|[^/]*@[^/]*:", to):
        raise ValueError("write a directory, rsync://HOST/MODULE/PATH, USER@HOST:PATH or s3://BUCKET/PREFIX, without spaces and signs")
    return to.rstrip("/") or "/"
