"""Small pictures: a screenshot as a PNG with a palette, which for text on plain paper takes a third of the bytes."""

import base64
import struct
import zlib
from collections.abc import Sequence

from playwright.async_api import Page

COLOURS = 256

# The browser itself counts the colours. The commonest are kept, none too near to another: else the many greys at the edges of
# letters would crowd out a colour that means something. Each other pixel takes the nearest.
_INDEXED = """async ([png, most]) => {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const far = ([r, g, b], [red, green, blue]) => (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
  const commonest = [...counts].sort((one, other) => other[1] - one[1]).map(([colour]) => parts(colour));
  let palette = [];
  for (let apart = 1; ; apart += 2) {
    palette = [];
    for (const colour of commonest) {
      if (palette.length <= most && palette.every((kept) => far(kept, colour) >= apart ** 2)) palette.push(colour);
    }
    if (palette.length <= most) break;
  }
  const places = new Map();
  const nearest = (colour) => palette.reduce(
    ([least, best], kept, place) => { const away = far(kept, colour); return away < least ? [away, place] : [least, best]; },
    [Infinity, 0],
  )[1];
  const indices = Uint8Array.from(pixels, (pixel) => {
    if (!places.has(pixel)) places.set(pixel, nearest(parts(pixel)));
    return places.get(pixel);
  });
  let text = "";
  for (let at = 0; at < indices.length; at += 32768) text += String.fromCharCode(...indices.subarray(at, at + 32768));
  return { width: canvas.width, height: canvas.height, palette: palette.flat(), indices: btoa(text) };
}"""


async def shrink(easel: Page, png: bytes) -> bytes:
    """Spell *png* with a palette. *easel* is a window with nothing in it."""
    seen = await easel.evaluate(_INDEXED, [base64.b64encode(png).decode(), COLOURS])
    return indexed_png(seen["width"], seen["height"], seen["palette"], base64.b64decode(seen["indices"]))


def indexed_png(width: int, height: int, palette: Sequence[int], indices: bytes) -> bytes:
    """Spell one byte a pixel, row by row, as a PNG. *palette* is red, green, blue of each colour. Source: PNG (third edition), 11.2."""
    rows = b"".join(b"\0" + indices[row * width : (row + 1) * width] for row in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(palette)),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
