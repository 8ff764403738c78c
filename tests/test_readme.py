"""What the README tells a newcomer to do, done."""

import asyncio
import os
import re
import shlex
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from statuspage.demo.ports import free_address
from tests.deadline import PATIENCE
from tests.statuspage.terminal import statuspage


@pytest.fixture
def readme(checkout: Path) -> str:
    return (checkout / "README.md").read_text(encoding="utf-8")


def own_page(readme: str) -> tuple[str, list[list[str]]]:
    """The configuration that the README shows, and the words of each command after it."""
    found = re.search(r"<!-- own page:.*?```yaml\n(.*?)```.*?```sh\n(.*?)```", readme, re.DOTALL)
    assert found
    return found[1], [shlex.split(line) for line in found[2].splitlines()]


async def test_the_page_of_ones_own_comes_up_as_the_readme_says(readme: str, tmp_path: Path) -> None:
    written, commands = own_page(readme)
    public, internal = free_address(), free_address()
    listen = f'listen: {{public: "{public}", internal: "{internal}"}}\n'
    (tmp_path / "statuspage.yaml").write_text(written + listen, encoding="utf-8")
    assert {words[0] for words in commands} == {"statuspage"}
    *prepared, last = (words[1:] for words in commands)
    assert last == ["serve"]
    for words in prepared:
        done = await statuspage(*words, here=tmp_path)
        assert done.code == (1 if words[0] == "probe" else 0), done.err
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "statuspage", *last, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    )
    try:
        names = await names_on(f"http://{public}/api/v2/summary.json")
        assert names == ["Website", "Email"]
    finally:
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            code = await server.wait()
    assert code == 0


async def names_on(url: str) -> list[str]:
    """The services on the page, as soon as it answers."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url) as answer:
                    return [row["name"] for row in (await answer.json())["components"]]
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


def test_every_link_in_the_documents_leads_somewhere(checkout: Path) -> None:
    pages = [checkout / "README.md", checkout / "CONTRIBUTING.md", checkout / "CHANGELOG.md", *(checkout / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(checkout)}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
