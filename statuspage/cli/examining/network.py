"""The way out and the way in: names, controls, what stands before the listeners, and whether readers get through."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from probes.addresses import is_this_machine, literal
from probes.catalog import KINDS
from probes.egress import Door, Network
from probes.result import ProbeResult
from probes.run import run
from statuspage.cli.examining.finding import Finding, Findings, Place, Standing, aside
from statuspage.clock import wall_clock
from statuspage.config.installation import EVERY_ADDRESS
from statuspage.config.loading import controls as configured
from statuspage.config.loading import plans
from statuspage.config.types import Address
from statuspage.controls import of_this_machine

_MOST_NAMES = 50
_NEAR = (ip_address("127.0.0.1"), ip_address("::1"))
_PATIENCE = 4.0
"""Seconds for one answer."""


async def names(place: Place) -> Findings:
    """Whether the names that the configuration tells of can be looked up here."""
    hosts = {urlsplit(place.config.site.url).hostname or ""} | {host for plan in plans(place.config) for host in plan.hosts}
    wanted = sorted(host for host in hosts if host and literal(host) is None)[:_MOST_NAMES]
    if not wanted:
        return [Finding(about="dns", standing=Standing.GOOD, found="the configuration names addresses only")]
    lost = [name for name, is_found in zip(wanted, await asyncio.gather(*map(_is_found, wanted)), strict=True) if not is_found]
    if not lost:
        return [Finding(about="dns", standing=Standing.GOOD, found=f"{_several(len(wanted), 'name')} found")]
    if len(lost) == len(wanted) > 1:
        mend = "see /etc/resolv.conf and the network: what cannot be looked up here cannot be watched from here"
        return [Finding(about="dns", standing=Standing.BAD, found=f"none of {len(wanted)} names is found", mend=mend)]
    mend = "correct the name, or see whether it was given up"
    return [Finding(about="dns", standing=Standing.BAD, found=f"{name} is not found", mend=mend) for name in lost]


async def _is_found(name: str) -> bool:
    found: list[bool] = []

    def look() -> Findings:
        try:
            found.append(bool(socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP)))
        except (socket.gaierror, UnicodeError):
            found.append(False)
        return ()

    try:
        async with asyncio.timeout(_PATIENCE):
            await aside(look)
    except TimeoutError:
        return False
    return found == [True]


# --- controls -------------------------------------------------------------------------------------------------------------------


async def controls(place: Place) -> Findings:
    """Whether the location's controls answer: without them a broken network of ours looks like everybody's outage."""
    asked = configured(place.config) or of_this_machine()
    mend = "write locations.local.controls with two or three targets that nearly always answer"
    if not asked:
        found = "there are none: this machine names no gateway and no resolver beyond itself"
        return [Finding(about="controls", standing=Standing.DOUBTFUL, found=found, mend=mend)]
    door, now = Door(allow=place.config.egress.allow), wall_clock()
    results = await asyncio.gather(*(run(one.kind, one.settings, door=door, timeout=_PATIENCE, started=now) for one in asked))
    silent = [f"{one.name} ({result.failure})" for one, result in zip(asked, results, strict=True) if result.failure is not None]
    if not silent:
        return [Finding(about="controls", standing=Standing.GOOD, found=f"{_several(len(asked), 'control')} answer")]
    is_blind = len(silent) == len(asked)
    found = f"{'none answers' if is_blind else 'some do not answer'}: {', '.join(silent)}"
    standing = Standing.BAD if is_blind else Standing.DOUBTFUL
    return [Finding(about="controls", standing=standing, found=found, mend=mend)]


# --- proxies --------------------------------------------------------------------------------------------------------------------


def proxies(place: Place) -> Findings:
    """Whether ``listen.trusted_proxies`` fits what seems to stand before the listeners."""
    trusted = place.config.listen.trusted_proxies
    wide = [str(network) for network in trusted if network.prefixlen == 0]
    if wide:
        mend = "name the proxy's own address: whoever is believed chooses under which address limits and the audit know them"
        return [Finding(about="proxies", standing=Standing.BAD, found=f"the whole world is believed ({', '.join(wide)})", mend=mend)]
    found = list(_behind(place))
    return found or [Finding(about="proxies", standing=Standing.GOOD, found=_said_of(trusted))]


def _said_of(trusted: Sequence[object]) -> str:
    return f"X-Forwarded-For is believed of {', '.join(map(str, trusted))}" if trusted else "none is believed, and none seems to be there"


def _behind(place: Place) -> Iterator[Finding]:
    """Listeners whose addresses out there are others: something must stand between."""
    config = place.config
    for name, url, listener in (
        ("site.url", config.site.url, config.listen.public),
        ("console.url", config.console.url, config.listen.internal),
    ):
        if _is_direct(url, listener) or _is_believed(listener, config.listen.trusted_proxies):
            continue
        found = f"{name} is {url}, so a proxy must stand before {listener.host}:{listener.port}, and none is believed"
        near = "127.0.0.1/32" if is_this_machine(listener.host) else "the address of the proxy"
        mend = f"write listen.trusted_proxies: [{near}], else all readers count as one"
        yield Finding(about="proxies", standing=Standing.BAD, found=found, mend=mend)
    if config.listen.internal.host in EVERY_ADDRESS and urlsplit(config.console.url).scheme != "https":
        mend = "put a proxy with TLS before it, and listen.internal on 127.0.0.1"
        yield Finding(about="proxies", standing=Standing.DOUBTFUL, found="passwords for the console cross the network in clear", mend=mend)


def _is_direct(url: str, listener: Address) -> bool:
    """Whether readers of *url* may reach *listener* itself: by this machine's own name, or without TLS, which it does not speak."""
    outside = urlsplit(url)
    return is_this_machine(outside.hostname or "") or (outside.scheme == "http" and not is_this_machine(listener.host))


def _is_believed(listener: Address, trusted: Sequence[Network]) -> bool:
    """Whether a proxy is believed that could stand there: one on this machine, where nobody else reaches the listener."""
    return any(near in network for near in _NEAR for network in trusted) if is_this_machine(listener.host) else bool(trusted)


# --- the way in -----------------------------------------------------------------------------------------------------------------


async def public_address(place: Place) -> Findings:
    """Whether readers get from the address that the page gives itself to the hub that runs here."""
    if place.running is None:
        found = f"no service runs on {place.data_dir}, so nobody can answer"
        return [Finding(about="public url", standing=Standing.UNKNOWN, found=found, mend="`statuspage serve`, then look again")]
    near, far = await asyncio.gather(_fresh(place.running[0]), _fresh(place.config.site.url))
    url = place.config.site.url
    if near.failure is not None:
        found = f"the service says that it answers at {place.running[0]}, and does not: {_why(near)}"
        return [Finding(about="public url", standing=Standing.BAD, found=found, mend="see its log")]
    if far.failure is not None:
        mend = "see the name, the proxy and the firewall; where only this machine cannot get there, look from another"
        return [Finding(about="public url", standing=Standing.BAD, found=f"{url} does not lead here: {_why(far)}", mend=mend)]
    warned = [Finding(about="public url", standing=Standing.DOUBTFUL, found=f"{url}: {one.text}", mend="renew it") for one in far.warnings]
    return warned or [Finding(about="public url", standing=Standing.GOOD, found=f"{url} leads here, in {far.took * 1000:.0f} ms")]


def _why(result: ProbeResult) -> str:
    return f"{result.failure}{f' at {result.stage}' if result.stage else ''}{f': {result.detail}' if result.detail else ''}"


async def _fresh(url: str) -> ProbeResult:
    """Ask for what only a page of ours has."""
    kind = KINDS["http"]
    settings = kind.settings.model_validate({"url": f"{url}/fresh.json", "expect": {"body_contains": "as_of"}})
    return await run(kind, settings, door=Door(), timeout=_PATIENCE, started=wall_clock())


def _several(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
