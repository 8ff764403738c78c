"""Their components as services of ours: names and headings; what watches them is for the operator to say."""

from statuspage.cli.importing.drafts import Draft, Entry, Value
from statuspage.cli.importing.naming import Ids
from statuspage.cli.importing.told import Part, Told


def draft_of(page: Told, address: str) -> Draft:
    """The services of *page*."""
    ids = Ids()
    return Draft(
        head=(
            f"The services of {address}, as `statuspage import statuspage` found them.",
            "Nothing watches them yet: give each what it needs, and monitors. docs/configuration.md names every key.",
        ),
        site=page.name or "Status",
        services={ids.new(part.name, "service"): _entry(part) for part in page.parts},
    )


def _entry(part: Part) -> Entry:
    values: dict[str, Value] = {"name": part.name}
    if part.group:
        values["group"] = part.group
    if part.description:
        values["description"] = part.description
    return Entry(values=values, comments=(f"there: {part.id}",))
