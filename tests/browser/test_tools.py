"""What the other tests in this directory, and the pictures in docs/, rely on."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.chromium import NoChromium, chromium, window
from tests.browser.pictures import COLOURS, indexed_png, shrink

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]

_COLOURS_OF = """async (png) => {
  const picture = await createImageBitmap(new Blob([Uint8Array.from(png)]));
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  context.drawImage(picture, 0, 0);
  const at = (x, y) => [...context.getImageData(x, y, 1, 1).data.subarray(0, 3)];
  return [picture.width, picture.height, at(0, 0), at(picture.width - 1, picture.height - 1)];
}"""


async def test_without_a_browser_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoChromium, match="apt install chromium"):
        async with chromium():
            pass


async def test_a_small_picture_has_the_size_and_the_colours_of_the_large_one(browser: Browser) -> None:
    async with window(browser) as page:
        await page.set_content("<body style='margin: 0; background: linear-gradient(90deg, #123456 50%, #fedcba 50%)'>")
        small = await shrink(page, await page.screenshot())
        assert await page.evaluate(_COLOURS_OF, list(small)) == [1280, 800, [0x12, 0x34, 0x56], [0xFE, 0xDC, 0xBA]]


async def test_a_picture_of_many_colours_takes_the_nearest(browser: Browser) -> None:
    many = [part for shade in range(COLOURS) for part in (shade, 0, 0)]
    async with window(browser) as page:
        png = indexed_png(2, 1, many, bytes([0, COLOURS - 1]))
        assert await page.evaluate(_COLOURS_OF, list(png)) == [2, 1, [0, 0, 0], [255, 0, 0]]
        await page.set_content("<body style='margin: 0; background: linear-gradient(90deg, black, white)'>")
        _, _, left, right = await page.evaluate(_COLOURS_OF, list(await shrink(page, await page.screenshot())))
        assert max(left) <= 8
        assert min(right) >= 247
