"""Regular expressions from the file, run on text from strangers: by RE2, whose time grows with the text's length and no faster."""

import asyncio
import threading
from contextlib import suppress
from typing import Self

import re2
from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_LONGEST = 1000
_LARGEST = 2_000
"""The most instructions that a pattern may compile to; each may cost a few nanoseconds a byte."""
_MEMORY = 1 << 20
_QUICK = 2_000_000
"""Instructions times bytes that take some 20 ms at worst; more than that is searched on a thread, beside the event loop."""


class Pattern:
    """A compiled regular expression in RE2's syntax: no back-references, no look-around. ``(?i)`` in front ignores case."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        """Compile *text*. Errors: ValueError with a sentence for people."""
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"a pattern has from 1 to {_LONGEST} characters")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        try:
            self._compiled = re2.compile(text.encode(), options)
        except UnicodeEncodeError:
            raise ValueError("a pattern is Unicode text") from None
        except re2.error as error:
            raise ValueError(f"not a pattern that can be searched in linear time (RE2): {_reason(error)}") from None
        if self._compiled.programsize > _LARGEST:
            raise ValueError("the pattern is too large: let it repeat less")
        self.text = text

    async def is_in(self, octets: bytes) -> bool:
        """Say whether it matches anywhere in *octets* of UTF-8, however many they are."""
        if self._compiled.programsize * len(octets) <= _QUICK:
            return self.matches(octets)
        return await self._matches_beside(octets)

    def matches(self, octets: bytes) -> bool:
        """Say it at once; for a header or a line."""
        return self._compiled.search(octets) is not None

    async def _matches_beside(self, octets: bytes) -> bool:
        """Search on a thread of its own: RE2 lets go of the interpreter, and neither the loop nor the end of the process waits for it."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def settle(found: bool) -> None:  # noqa: FBT001 - called by the loop
            if not answer.done():
                answer.set_result(found)

        def search() -> None:
            found = self.matches(octets)
            with suppress(RuntimeError):  # the loop has ended meanwhile, and with it whoever asked
                loop.call_soon_threadsafe(settle, found)

        threading.Thread(target=search, name="probe-pattern", daemon=True).start()
        return await answer

    def __repr__(self) -> str:
        return self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def _accept(cls, given: object) -> Self:
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            return cls(given)
        raise ValueError("not a pattern: write a regular expression as text")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        written = core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema())
        return core_schema.no_info_plain_validator_function(cls._accept, serialization=written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "maxLength": _LONGEST, "description": "A regular expression in RE2's syntax."}


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
