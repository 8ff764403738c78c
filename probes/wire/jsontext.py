"""JSON from strangers, read within bounds (RFC 8259).

A small document can be made to take the stack, the memory or the time of whoever reads it.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from probes.attempt import ProbeFailed
from probes.result import Failure

DEPTH = 64
"""How deep containers may nest; what people write and machines answer stays below 20."""
_MOST = 6 * 1024 * 1024
"""Bytes that a document may take once it is read: some of few letters take twenty times their length."""
_VALUE, _TEXT, _LIST, _DICT = 100, 100, 72, 232
"""Bytes, reckoned from above: an entry of a list or dict, and what a text, a list and a dict take apart from what is in them.

For texts it holds also while they are told from the rest.
"""
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(octet for octet in range(256) if octet not in b"[]{}")


def read(octets: bytes, *, depth: int = DEPTH, stage: str = "content") -> object:
    """Read one JSON document in UTF-8 into dicts, lists, texts, numbers, booleans and None.

    A number may be infinite where it is written with such an exponent, and a text may hold lone surrogates. Errors: ProbeFailed with
    CONTENT where it is not JSON, nests deeper than *depth*, holds a number of thousands of digits, or would take too much memory.
    """
    try:
        text = octets.decode("utf-8-sig")
        _judge(octets, 2 * sys.getsizeof(text), depth)
        document: object = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ProbeFailed(Failure.CONTENT, f"unreadable as JSON: {error}", stage=stage) from error
    return document


def mapping(value: object, what: str, *, stage: str = "content") -> Mapping[str, object]:
    """Return *value* where it is an object. Errors: ProbeFailed with CONTENT, saying that *what* is none."""
    if isinstance(value, dict):
        return value
    raise ProbeFailed(Failure.CONTENT, f"unreadable: {what} is not an object", stage=stage)


def sequence(value: object, what: str, *, stage: str = "content") -> Sequence[object]:
    """Return *value* where it is a list. Errors: ProbeFailed with CONTENT, saying that *what* is none."""
    if isinstance(value, list):
        return value
    raise ProbeFailed(Failure.CONTENT, f"unreadable: {what} is not a list", stage=stage)


def _judge(octets: bytes, size: int, depth: int) -> None:
    """Refuse what would cost too much to read. Exact up to the first place where the document is not JSON, and there the reader stops.

    *size* is what its letters take. Errors: ValueError.
    """
    unescaped = octets.replace(b"\\\\", b"").replace(b'\\"', b"")
    texts = unescaped.count(b'"') // 2
    if size + _TEXT * texts > _MOST:
        raise ValueError("too much text to keep")
    outside = b"".join(unescaped.split(b'"')[::2])
    structure = _VALUE * outside.count(b",") + _LIST * outside.count(b"[") + _DICT * outside.count(b"{")
    if size + _TEXT * texts + structure > _MOST:
        raise ValueError("too many values to keep")
    if _is_deep(outside, depth):
        raise ValueError(f"nested more than {depth} deep, or not closed")


def _is_deep(outside: bytes, depth: int) -> bool:
    """Say whether brackets remain after the innermost pairs were taken away *depth* times: one C loop a turn, no Python step a byte."""
    brackets = outside.translate(_BRACKETS, _OTHERS)
    for _ in range(depth):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
