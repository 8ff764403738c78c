"""What Prometheus reads: our own series, a monitor's result in blackbox_exporter's names, and the monitors as targets."""

from aiohttp import hdrs, web

from statuspage.render.blackbox import discovered, known, location_of, probe_metrics
from statuspage.render.metrics import CONTENT_TYPE
from statuspage.web.auth import Access
from statuspage.web.desk import DESK
from statuspage.web.problems import Rejected, problem
from statuspage.web.route import Route, read


async def show_metrics(request: web.Request) -> web.Response:
    """Give the metrics, as whoever built the app spells them."""
    body, kind = await request.app[DESK].metrics()
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: kind})


async def show_probe(request: web.Request) -> web.Response:
    """Give the newest result of the monitor that ``target`` names, from ``location`` where that is asked for."""
    desk = request.app[DESK]
    situation, target = desk.pipeline.situation, request.query.get("target", "")
    monitor = situation.topology.monitors.get(target)
    location = None if monitor is None else location_of(monitor, request.query.get("location"))
    if monitor is None or location is None:
        raise Rejected(404, "The target must be the id of a monitor in the configuration, probed from that location.")
    result = known(situation, monitor, desk.pipeline.latest.get((target, location)), desk.now())
    return web.Response(body=probe_metrics(result, desk.kinds().get(target, "")), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})


async def show_targets(request: web.Request) -> web.Response:
    """Name every monitor and location, in the form of Prometheus' HTTP service discovery."""
    desk = request.app[DESK]
    return web.Response(body=discovered(desk.pipeline.situation, desk.kinds()), content_type="application/json")


async def show_health(request: web.Request) -> web.Response:
    """Say whether every part is at work: 200 or 503, and nothing more."""
    is_healthy = request.app[DESK].is_healthy()
    return web.Response(status=200 if is_healthy else 503, text="ok\n" if is_healthy else "not well\n")


async def spell_problem(_: web.Request, rejected: Rejected) -> web.StreamResponse:
    """Tell a program what went wrong."""
    return problem(rejected)


SCRAPED: tuple[Route, ...] = (
    read("/metrics", show_metrics, None, Access.SCRAPER),
    read("/probe", show_probe, None, Access.SCRAPER),
    read("/sd", show_targets, None, Access.SCRAPER),
    read("/healthz", show_health, None, Access.PUBLIC),
)
"""The whole of ``listen.metrics``, and a part of the internal listener."""
