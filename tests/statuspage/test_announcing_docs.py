"""What docs/announcing.md shows works as it stands."""

import asyncio
import re
from pathlib import Path

from incidents.model import Status
from statuspage.config.loading import load
from statuspage.picture.audience import Wish
from statuspage.telling import lines_of, outlets_of

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PAGE = (CHECKOUT / "docs" / "announcing.md").read_text(encoding="utf-8")


async def test_the_example_is_taken_with_the_urls_that_stand_below_it(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "statuspage.yaml"
    path.write_text(f"site: {{name: Muster IT, url: 'https://status.example.net'}}\n{example}", encoding="utf-8")
    process = await asyncio.create_subprocess_exec("sh", "-ec", f"{commands}env", cwd=tmp_path, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    environ = dict(line.partition("=")[::2] for line in said.decode().splitlines() if "_URL=" in line)
    loaded = await asyncio.to_thread(load, path, environ)
    outlets = {one.id: one for one in outlets_of(loaded.config)}
    assert outlets["german-customers"].language == "de"
    assert outlets["board"].wish == Wish(services=frozenset({"email"}), floor=Status.MAJOR, wants_maintenance=False)
    assert {outlet.channel for outlet in outlets.values()} < set(lines_of(loaded.config))
    assert not [one for one in loaded.warnings if "announce" in str(one)]


def test_every_key_of_an_outlet_is_explained() -> None:
    reference = (CHECKOUT / "docs" / "configuration.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"`announce\.ID\.([a-z]+)`", reference))
    assert keys == set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE))
