"""A name server that turns: a name gets another answer the second time, fails, or gets none at all."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import cast

from dns import flags, message, rcode, rdatatype, rrset
from dns.exception import DNSException

from tests.rude.places import Zone


class TurningServer(asyncio.DatagramProtocol):
    """*asked* counts the questions for IPv4 addresses, by name. A name that *zone* does not hold does not exist."""

    def __init__(self, zone: Zone) -> None:
        self._zone = {name: list(answers) for name, answers in zone.items()}
        self.asked: Counter[str] = Counter()
        self.failing: set[str] = set()
        self.is_silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is one by behaviour only

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if self.is_silent:
            return
        try:
            query = message.from_wire(data)
        except DNSException:
            return
        self.transport.sendto(self._answer(query).to_wire(), addr)

    def _answer(self, query: message.Message) -> message.Message:
        response = message.make_response(query)
        response.flags |= flags.RA
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        if name in self.failing:
            response.set_rcode(rcode.SERVFAIL)
        elif name not in self._zone:
            response.set_rcode(rcode.NXDOMAIN)
        elif question.rdtype in (rdatatype.A, rdatatype.AAAA):
            response.answer.extend(self._records(name, question.rdtype))
        return response

    def _records(self, name: str, kind: rdatatype.RdataType) -> Iterator[rrset.RRset]:
        """Give one kind of record; each question for IPv4 addresses turns to the next answer."""
        answers = self._zone[name]
        answer = answers[min(self.asked[name], len(answers) - 1)]
        self.asked[name] += kind is rdatatype.A
        for value in answer:
            if value.startswith("="):
                yield rrset.from_text(f"{name}.", 0, "IN", "CNAME", f"{value[1:]}.")
                yield from self._records(value[1:], kind)
            elif (":" in value) is (kind is rdatatype.AAAA):
                yield rrset.from_text(f"{name}.", 0, "IN", kind, value)
