"""Text from outside, made fit to keep: a probed server's banner is as hostile as any stranger's."""

import unicodedata
from codecs import getincrementaldecoder

CUT = "…"
"""Stands at the end of what was longer."""
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that print nothing or steer what is printed: controls, bidi and other format characters, surrogates,
private and unassigned code points, line and paragraph separators."""


def plain(text: str, most: int = 200) -> str:
    """Return *text* on one line: blanks for tabs and line ends, nothing that steers a terminal or reading order, at most *most* long."""
    is_cut, text = len(text) > 4 * most, text[: 4 * most]
    if not text.isprintable():
        spaced = " ".join(text.split())
        text = "".join(letter for letter in spaced if unicodedata.category(letter) not in _DROPPED)
    return text if len(text) <= most and not is_cut else text[: most - 1] + CUT


def excerpt(octets: bytes, most: int = 100) -> str:
    """Quote what a peer sent, for a detail: at most *most* characters, whatever the bytes are."""
    is_cut = len(octets) > 4 * most
    # Told that more is to come, the decoder keeps the half of a letter at the cut to itself.
    text = getincrementaldecoder("utf-8")("replace").decode(octets[: 4 * most], final=not is_cut)
    return repr(plain(text + CUT if is_cut else text, most))
