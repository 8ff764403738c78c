"""Whether a domain's mail is set up to be trusted: MX, SPF, DKIM, DMARC, names of the servers' addresses, blocklists.

All of it is told as warnings: mail flows without, and arrives less and less. A failure says only that nothing could be looked up.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated

from pydantic import BaseModel, Field

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.records import Asked, Records
from probes.resolver import resolver_of
from probes.result import Failure
from probes.settings import CLOSED, Host, IpVersion, Port, host
from probes.wire.dnswire import AAAA, CNAME, MX, NXDOMAIN, PTR, TXT, A
from probes.wire.mailrecords import dkim_key, dmarc_of, dmarc_places, dmarc_policy, spf, spf_of

_MOST_SERVERS = 10
_MOST_ADDRESSES = 20
_MOST_LOOKUPS = 10
"""How often an SPF record may make its reader ask (RFC 7208 section 4.6.4)."""

OutgoingAddress = IPv4Address | IPv6Address
Selector = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9_])?$")]


class Settings(BaseModel):
    """Whose mail. *selectors* name the DKIM keys, *addresses* what mail leaves from where that is not its MX."""

    model_config = CLOSED

    domain: Host
    selectors: Annotated[tuple[Selector, ...], Field(max_length=20)] = ()
    addresses: Annotated[tuple[OutgoingAddress, ...], Field(max_length=_MOST_ADDRESSES)] = ()
    blocklists: Annotated[tuple[Host, ...], Field(max_length=20)] = ()
    server: Host | None = None
    port: Port = 53
    ip: IpVersion = "any"


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask in rounds, since each needs what the one before has found, and tell what is not as it should be."""
    records = Records(resolver_of(settings.server, settings.port, settings.ip), door, attempt)
    domain = settings.domain.rstrip(".").lower()
    with attempt.phase("records"):
        await records.fetch(_first_questions(domain, settings.selectors))
    _judge_existence(domain, records)
    servers = _servers(domain, records, attempt)
    with attempt.phase("servers"):
        await records.fetch((name, kind) for name in servers for kind in (A, AAAA))
    found = _addresses_of(servers, records, attempt)
    addresses = [str(address) for address in settings.addresses] or found
    with attempt.phase("spf"):
        await _judge_spf(domain, records, attempt)
    _judge_dkim(domain, settings.selectors, records, attempt)
    _judge_dmarc(domain, records, attempt)
    with attempt.phase("reverse"):
        await _judge_names(addresses, records, attempt)
    with attempt.phase("blocklists"):
        await _judge_lists(addresses, settings.blocklists, records, attempt)
    _tell_silence(records, attempt)


def _first_questions(domain: str, selectors: Sequence[str]) -> list[Asked]:
    keys = [(f"{selector}._domainkey.{domain}", TXT) for selector in selectors]
    return [(domain, MX), (domain, TXT), *((place, TXT) for place in dmarc_places(domain)), *keys]


def _judge_existence(domain: str, records: Records) -> None:
    if all(answer is None for answer in records.known.values()):
        whose = Failure.DNS if records.is_heard else Failure.IMPAIRED  # a resolver that says nothing at all is our trouble, not theirs
        raise ProbeFailed(whose, f"nothing can be looked up: {records.trouble}", stage="records")
    answers = [records.known[domain, kind] for kind in (MX, TXT)]
    if any(answer is not None and answer.rcode == NXDOMAIN for answer in answers):
        raise ProbeFailed(Failure.DNS, f"{domain} does not exist", stage="records")


def _servers(domain: str, records: Records, attempt: Attempt) -> list[str]:
    """Return the names of the mail servers, the preferred first."""
    pairs = [text.partition(" ") for text in records.texts(domain, MX)]
    ordered = sorted((int(preference), name.rstrip(".").lower()) for preference, _, name in pairs)
    names = [name for _, name in ordered if name]
    attempt.fact("mx", len(names))
    if not names and not records.is_silent((domain, MX)):
        said = "says that it takes no mail (a null MX)" if ordered else "has no MX record"
        attempt.warn("mx_missing", f"{domain} {said}")
    return names[:_MOST_SERVERS]


def _addresses_of(servers: Sequence[str], records: Records, attempt: Attempt) -> list[str]:
    """Return the addresses of the servers, and tell of those that have none, or whose name is only an alias (RFC 2181 section 10.3)."""
    for name in servers:
        if not records.found_addresses(name) and not records.is_silent((name, A), (name, AAAA)):
            attempt.warn("mx_unresolved", f"the MX {name} has no address")
        answer = records.known.get((name, A))
        if answer is not None and any(record.owner == f"{name}." and record.type == CNAME for record in answer.records):
            attempt.warn("mx_alias", f"the MX {name} is an alias; some senders do not follow it")
    return [address for name in servers for address in records.found_addresses(name)][:_MOST_ADDRESSES]


async def _judge_spf(domain: str, records: Records, attempt: Attempt) -> None:
    found = spf_of(records.texts(domain, TXT))
    if records.is_silent((domain, TXT)):
        return
    if not found:
        attempt.warn("spf_missing", f"{domain} has no SPF record")
        return
    if len(found) > 1:
        attempt.warn("spf_many", f"{domain} has {len(found)} SPF records, which is as bad as none")
        return
    if (rest := spf(found[0]).rest) in {None, "+", "?"}:
        attempt.warn("spf_weak", f"SPF of {domain} lets everybody send: it has {'no all' if rest is None else f'{rest}all'}")
    lookups = await _spf_lookups(domain, records)
    attempt.fact("spf_lookups", lookups)
    if lookups > _MOST_LOOKUPS:
        attempt.warn("spf_lookups", f"SPF of {domain} makes its reader ask {lookups} times or more; past 10 it counts for nothing")


async def _spf_lookups(domain: str, records: Records) -> int:
    """Count how often an SPF record makes its reader ask, with all that it includes, each time that it does; stops past the limit."""
    lookups, waiting = 0, [domain]
    while waiting and lookups <= _MOST_LOOKUPS:
        await records.fetch((name, TXT) for name in waiting)
        reads = [spf(text) for name in waiting for text in spf_of(records.texts(name, TXT))[:1]]
        lookups += sum(read.lookups for read in reads)
        waiting = [name for read in reads for name in read.leads_to if _is_name(name)]
    return lookups


def _is_name(text: str) -> bool:
    try:
        host(text)
    except ValueError:
        return False
    return True


def _judge_dkim(domain: str, selectors: Sequence[str], records: Records, attempt: Attempt) -> None:
    for selector in selectors:
        name = f"{selector}._domainkey.{domain}"
        texts = records.texts(name, TXT)
        if not texts:
            if not records.is_silent((name, TXT)):
                attempt.warn("dkim_missing", f"there is no DKIM key at {name}")
            continue
        key = dkim_key(texts[0])
        if not key.is_usable:
            attempt.warn("dkim_unusable", f"DKIM key {name}: {key.trouble}")
        elif key.trouble is not None:
            attempt.warn("dkim_weak", f"DKIM key {name}: {key.trouble}")


def _judge_dmarc(domain: str, records: Records, attempt: Attempt) -> None:
    """Judge the nearest record: the domain's own, else what that of the one above it says of its subdomains (RFC 7489 section 6.6.3)."""
    places = dmarc_places(domain)
    place, found = next(((place, read) for place in places if (read := dmarc_of(records.texts(place, TXT)))), (places[0], []))
    if not found:
        if not records.is_silent(*((place, TXT) for place in places)):
            attempt.warn("dmarc_missing", f"{domain} has no DMARC record")
    elif len(found) > 1:
        attempt.warn("dmarc_many", f"{domain} has {len(found)} DMARC records, which is as bad as none")
    elif (policy := dmarc_policy(found[0], is_above=place != places[0])).lower() not in {"quarantine", "reject"}:
        attempt.warn("dmarc_weak", f"DMARC of {domain} asks for nothing to be done: its policy is {policy or 'missing'}")


async def _judge_names(addresses: Sequence[str], records: Records, attempt: Attempt) -> None:
    """See that each address has a name that leads back to it: without, many servers refuse its mail."""
    attempt.fact("addresses", len(addresses))
    await records.fetch((address, PTR) for address in addresses)
    names = {address: [name.rstrip(".") for name in records.texts(address, PTR)][:5] for address in addresses}
    await records.fetch((name, kind) for each in names.values() for name in each if _is_name(name) for kind in (A, AAAA))
    for address, found in names.items():
        if not found:
            if not records.is_silent((address, PTR)):
                attempt.warn("ptr_missing", f"{address} has no name (PTR)")
            continue
        back = {ip_address(text) for name in found for text in records.found_addresses(name)}
        asked = [(name, kind) for name in found if _is_name(name) for kind in (A, AAAA)]
        is_unknown = bool(asked) and records.is_silent(*asked)
        if ip_address(address) not in back and not is_unknown:
            attempt.warn("ptr_unconfirmed", f"{address} is called {found[0]}, which does not lead back to it")


async def _judge_lists(addresses: Sequence[str], lists: Sequence[str], records: Records, attempt: Attempt) -> None:
    """Ask each list for each address (RFC 5782). An answer outside 127.0.0.0/8, or in 127.255.255.0/24, says that it does not answer us."""
    places = {(address, zone): f"{_reversed(address)}.{zone.rstrip('.')}" for address in addresses for zone in lists}
    await records.fetch((name, A) for name in places.values())
    listed = 0
    for (address, zone), name in places.items():
        for text in records.texts(name, A)[:1]:
            if text.startswith("127.") and not text.startswith("127.255.255."):
                listed += 1
                attempt.warn("listed", f"{address} is on the blocklist {zone} ({text})")
            else:
                attempt.warn("blocklist_unusable", f"{zone} does not answer our resolver ({text})")
    attempt.fact("listed", listed)


def _reversed(address: str) -> str:
    return ip_address(address).reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _tell_silence(records: Records, attempt: Attempt) -> None:
    """Tell what nobody answered: of these things nothing is known, neither good nor bad."""
    silent = [name for (name, _), answer in records.known.items() if answer is None]
    attempt.fact("unanswered", len(silent))
    if silent:
        attempt.warn("unanswered", f"{len(silent)} of {len(records.known)} questions got no answer: {', '.join(dict.fromkeys(silent))}")


def target(settings: Settings) -> str:
    """The domain."""
    return settings.domain


def ad_hoc(typed: str) -> Settings:
    """``domain``."""
    return Settings(domain=host(typed))


KIND = ProbeKind(
    name="mail_posture",
    summary="A domain's mail is set up to be trusted",
    settings=Settings,
    measure=measure,
    target=target,
    ad_hoc=ad_hoc,
)
