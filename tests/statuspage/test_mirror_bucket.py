"""The mirror carried into a bucket of a real server: no page ever leads to an object that is not there."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import md5
from pathlib import Path

import pytest
from aiohttp import ClientSession

from probes.settings import Secret
from statuspage.mirror import bucket as bucketful
from statuspage.mirror.bucket import OURS, Bucketful
from statuspage.mirror.carrying import carrying_to
from statuspage.mirror.files import FRESH, PACKED
from statuspage.mirror.objects import Objects
from statuspage.mirror.order import cache_of, type_of, waves
from statuspage.mirror.publication import publish
from statuspage.mirror.target import Bucket
from statuspage.mirror.version import Leaf, Version, leaf
from statuspage.mirror.versions import CURRENT, KEPT, Versions, home_of
from tests.faults.mirror import AT
from tests.rude.peer import closed_port
from tests.statuspage.buckets import KEY, READER, Server, refusal, scripted, seaweed
from tests.statuspage.mirrored import published

_LED = re.compile(r'(?:href|src)="/([^"#]*)"')


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with seaweed() as opened:
        yield opened


@pytest.fixture
def bucket(server: Server) -> Bucket:
    return server.bucket()


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    return tmp_path / "stage"


@dataclass(frozen=True, slots=True)
class Noted(Objects):
    """The real objects, and what was asked of them; the line is cut when *most* were put there."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    most: int = 1000

    async def put(self, name: str, body: bytes, content_type: str, cache: str) -> str:
        if sum(what == "put" for what, _ in self.asked) == self.most:
            raise OSError("the line is cut")
        self.asked.append(("put", name))
        return await Objects.put(self, name, body, content_type, cache)

    async def remove(self, name: str) -> None:
        self.asked.append(("remove", name))
        await Objects.remove(self, name)

    async def listed(self) -> Mapping[str, str]:
        self.asked.append(("list", ""))
        return await Objects.listed(self)


def noted(bucket: Bucket) -> tuple[Noted, Bucketful]:
    objects = Noted.of(bucket)
    return objects, Bucketful(objects)


def page(*led: str) -> Leaf:
    return leaf("".join(f'<a href="/{name}">there</a>' for name in led).encode())


def site(number: int, *incidents: str) -> Mapping[str, Leaf]:
    """A front page that leads to a style and to some incidents; each publication has another style."""
    style = f"assets/style-{number}.css"
    pages = {f"incidents/{name}": page(style) for name in incidents}
    inner = {f"{name}/index.html": one for name, one in pages.items()}
    return {"index.html": page(style, *pages), **inner, style: leaf(b"css %d" % number), FRESH: leaf(b"%d" % number)}


async def carry(to: Bucketful, stage: Path, files: Mapping[str, Leaf], *, keeps: int = KEPT) -> Version:
    version = publish(stage, files, AT)
    await to.carry(home_of(stage, version), version, keeps=keeps)
    return version


async def there(bucket: Bucket) -> set[str]:
    return set(await Objects.of(bucket).listed()) - {OURS}


# --- what stands there


async def test_everything_stands_there_with_its_type_and_how_long_it_may_be_kept(server: Server, bucket: Bucket, stage: Path) -> None:
    written = await published(stage)
    version = Versions(stage).newest()
    assert version is not None
    await carrying_to(bucket).carry(home_of(stage, version), version, keeps=KEPT)
    expected = {name: body for name, body in written.items() if not name.endswith(PACKED)}
    assert await there(bucket) == expected.keys()
    async with ClientSession(auto_decompress=False) as session:
        for name, body in expected.items():
            async with session.get(server.url(bucket, name)) as answer:
                assert (answer.status, await answer.read()) == (200, body), name
                assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (type_of(name), cache_of(name)), name


async def test_of_the_next_version_only_what_changed_is_put_there(bucket: Bucket, stage: Path) -> None:
    objects, to = noted(bucket)
    await carry(to, stage, site(1, "a", "b"))
    objects.asked.clear()
    await carry(to, stage, site(1, "a", "b", "c"))
    assert objects.asked == [("put", OURS), ("put", "incidents/c/index.html"), ("put", "index.html")]


async def test_after_a_start_the_bucket_itself_says_what_stands_in_it(bucket: Bucket, stage: Path) -> None:
    await carry(noted(bucket)[1], stage, site(1, "a", "b"))
    await Objects.of(bucket).remove("incidents/a/index.html")
    await Objects.of(bucket).put("incidents/b/index.html", b"by somebody else", "text/html", "no-store")
    objects, to = noted(bucket)
    await carry(to, stage, site(1, "a", "b"))
    assert {name for what, name in objects.asked if what == "put"} == {"incidents/a/index.html", "incidents/b/index.html"}


async def test_what_somebody_took_away_is_found_missing_within_the_hour(
    bucket: Bucket, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, to = noted(bucket)
    await carry(to, stage, site(1, "a"))
    await Objects.of(bucket).remove("incidents/a/index.html")
    monkeypatch.setattr(bucketful, "LOOK_AGAIN", -1.0)
    await carry(to, stage, site(1, "a"))
    assert "incidents/a/index.html" in await there(bucket)


async def test_a_server_whose_tags_are_no_digests_is_not_sent_everything_again(bucket: Bucket, stage: Path) -> None:
    class Ciphered(Noted):
        async def put(self, name: str, body: bytes, content_type: str, cache: str) -> str:
            await Noted.put(self, name, body, content_type, cache)
            return md5(name.encode(), usedforsecurity=False).hexdigest()

        async def listed(self) -> Mapping[str, str]:
            return {name: md5(name.encode(), usedforsecurity=False).hexdigest() for name in await Noted.listed(self)}

    objects = Ciphered.of(bucket)
    to = Bucketful(objects)
    await carry(to, stage, site(1, "a", "b"))
    objects.asked.clear()
    await carry(to, stage, site(1, "a", "b"))
    assert objects.asked == []


# --- what is not used any more


async def test_what_is_not_used_any_more_goes_after_a_grace_and_nothing_that_is_not_ours(
    bucket: Bucket, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Objects.of(bucket).put("photo.jpg", b"the operator's", "image/jpeg", "no-store")
    _, to = noted(bucket)
    await carry(to, stage, site(1, "a", "b"))
    await carry(to, stage, site(2, "b"))
    await carry(to, stage, site(3, "b"))
    assert {"incidents/a/index.html", "assets/style-1.css"} <= await there(bucket)
    monkeypatch.setattr(bucketful, "GRACE", 0.0)
    await carry(to, stage, site(3, "b"))
    assert await there(bucket) == {"photo.jpg", "index.html", "incidents/b/index.html", "assets/style-3.css", FRESH}


async def test_where_words_were_removed_nothing_is_waited_for(bucket: Bucket, stage: Path) -> None:
    _, to = noted(bucket)
    await carry(to, stage, site(1, "a", "b"))
    await carry(to, stage, site(1, "b"), keeps=0)
    assert "incidents/a/index.html" not in await there(bucket)


async def test_what_an_earlier_process_put_there_is_taken_away_by_a_later_one(
    bucket: Bucket, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await carry(noted(bucket)[1], stage, site(1, "a", "b"))
    monkeypatch.setattr(bucketful, "GRACE", 0.0)
    await carry(noted(bucket)[1], stage, site(1, "b"))
    assert "incidents/a/index.html" not in await there(bucket)


# --- in which order


async def dangling(server: Server, bucket: Bucket) -> list[str]:
    """Where pages that stand there lead, and nothing is."""
    names = await there(bucket)
    missing = []
    async with ClientSession() as session:
        for name in names:
            if name.endswith(".html"):
                async with session.get(server.url(bucket, name)) as answer:
                    led = _LED.findall(await answer.text())
                missing += [f"{name} leads to {one}" for one in led if one not in names and f"{one}/index.html" not in names]
    return missing


@pytest.mark.parametrize("before", [(), ("a", "b")])
async def test_stopped_after_any_object_no_page_leads_to_one_that_is_missing_and_the_next_try_completes_it(
    server: Server, tmp_path: Path, before: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucketful, "AT_ONCE", 1)
    wanted = site(2, "b", "c", "d")
    for most in range(len(wanted)):
        bucket, stage = server.bucket(), tmp_path / str(most)
        if before:
            await carry(noted(bucket)[1], stage, site(1, *before))
        objects, to = noted(bucket)
        to.objects = replace(objects, most=most)
        with pytest.raises(OSError, match="the line is cut"):
            await carry(to, stage, wanted)
        assert await dangling(server, bucket) == [], f"after {most} objects"
        to.objects = objects
        await carry(to if most % 2 else noted(bucket)[1], stage, wanted)
        assert wanted.keys() <= await there(bucket)
        assert await dangling(server, bucket) == []


def test_new_objects_come_first_then_changed_ones_then_the_front_and_what_tells_open_pages_last() -> None:
    names = [
        FRESH,
        "index.html",
        "de/index.html",
        "history/index.html",
        "history.rss",
        "incidents/new/index.html",
        "assets/new.css",
        "new.json",
    ]
    known = {FRESH, "index.html", "de/index.html", "history/index.html", "history.rss"}
    order = [wave for wave in waves(names, known) if wave]
    assert order == [
        ["assets/new.css"],
        ["new.json"],
        ["incidents/new/index.html"],
        ["history.rss"],
        ["history/index.html"],
        ["index.html", "de/index.html"],
        [FRESH],
    ]
    assert sorted(name for wave in waves(names, ()) for name in wave) == sorted(names)


# --- what goes wrong


async def refused(bucket: Bucket, stage: Path) -> str:
    version = publish(stage, site(1, "a"), AT)
    with pytest.raises(OSError) as trouble:  # noqa: PT011 - what it says is what is asked about
        await carrying_to(bucket).carry(home_of(stage, version), version, keeps=KEPT)
    told = str(trouble.value)
    assert bucket.secret.reveal() not in told
    assert "\n" not in told
    return told


async def test_what_a_real_server_refuses_is_told_in_a_line(server: Server, bucket: Bucket, stage: Path) -> None:
    assert await refused(server.bucket("elsewhere"), stage) == f"there is no bucket elsewhere at {server.endpoint}"
    assert "does not know the key nobody" in await refused(replace(bucket, key="nobody"), stage)
    assert f"the secret is not that of the key {KEY}" in await refused(replace(bucket, secret=Secret("wrong-one")), stage)
    assert f"the key {READER} may not do this" in await refused(replace(bucket, key=READER), stage)
    unheard = replace(bucket, endpoint=f"http://127.0.0.1:{closed_port()}")
    assert (await refused(unheard, stage)).endswith("Connection refused")


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("403 Forbidden", "RequestTimeTooSkewed", "its clock and the clock of this machine differ too much"),
        ("301 Moved Permanently", "PermanentRedirect", "is in another region than us-east-1"),
        ("400 Bad Request", "InvalidArgument", "InvalidArgument: Words of the server."),
    ],
)
async def test_what_servers_elsewhere_refuse_is_told_in_a_line(bucket: Bucket, stage: Path, status: str, code: str, told: str) -> None:
    async with scripted(refusal(status, code)) as endpoint:
        assert told in await refused(replace(bucket, endpoint=endpoint), stage)


async def test_a_server_that_does_not_speak_s3_is_told_by_what_it_answers(bucket: Bucket, stage: Path) -> None:
    async with scripted(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n") as endpoint:
        assert "it answers 404 Not Found" in await refused(replace(bucket, endpoint=endpoint), stage)


async def test_a_server_that_hangs_is_given_up_and_the_loop_goes_on_meanwhile(bucket: Bucket, stage: Path) -> None:
    async with scripted(None) as endpoint:
        turns, task = 0, asyncio.ensure_future(refused(replace(bucket, endpoint=endpoint, within=0.5), stage))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        assert await task == "it took longer than 500ms to carry it there"
        assert turns > 100, "it was the loop that waited"


async def test_the_next_try_after_a_failure_looks_at_what_is_there(bucket: Bucket, stage: Path) -> None:
    objects, to = noted(bucket)
    await carry(to, stage, site(1, "a"))
    to.objects = Objects.of(replace(bucket, key="nobody"))
    with pytest.raises(OSError, match="nobody"):
        await carry(to, stage, site(2, "a"))
    to.objects = objects
    objects.asked.clear()
    await carry(to, stage, site(2, "a"))
    assert objects.asked[0] == ("list", "")
    assert (stage / CURRENT / FRESH).read_bytes() == b"2"
