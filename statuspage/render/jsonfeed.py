"""JSON Feed 1.1: the same entries as RSS and Atom, for programs that would rather not read XML. Source: jsonfeed.org/version/1.1."""

import json
from datetime import UTC, datetime
from functools import lru_cache

from statuspage.render.addresses import Format
from statuspage.render.feeds import Entry, Feed

KIND = "application/feed+json; charset=utf-8"


def json_feed(feed: Feed) -> bytes:
    """Spell *feed*. It carries no date of its own, so that nothing but an entry moves it. Its archives are its further pages."""
    further = {} if feed.previous is None else {"next_url": feed.address(Format.JSON, feed.previous)}
    spelled = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "home_page_url": f"{feed.url}{feed.home}",
        "feed_url": feed.address(Format.JSON, None),
        **further,
        "language": feed.language,
        "authors": [{"name": feed.author, "url": f"{feed.url}/"}],
    }
    items = ",".join(map(_item, feed.entries))
    return f'{_spelled(spelled)[:-1]},"items":[{items}]}}'.encode()


def _spelled(value: object) -> str:
    # Without line breaks: with them Python spells it itself, an order of magnitude slower.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _item(entry: Entry) -> str:
    """An entry, which seldom changes: spelled once."""
    item = {
        "id": entry.id,
        "url": entry.link,
        "title": entry.title,
        "content_text": entry.body,
        "date_published": _instant(entry.published),
        **({"language": entry.body_in} if entry.body_in else {}),
    }
    return _spelled(item if entry.updated == entry.published else item | {"date_modified": _instant(entry.updated)})


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
