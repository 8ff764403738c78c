"""What incidents may come from: the list that the file gives, or an ordinary one where it gives none."""

from incidents.reviewed import FALSE_ALARM, Cause, Causes
from statuspage.config.complete import named
from statuspage.config.models import Config

_NOTHING_BROKEN = Cause(id=FALSE_ALARM, name="False alarm: nothing was broken")

ORDINARY = (
    Cause(id="release", name="A release or another change of ours"),
    Cause(id="configuration", name="Wrong configuration"),
    Cause(id="operation", name="A slip in operation"),
    Cause(id="software", name="A fault in software"),
    Cause(id="capacity", name="More load than it can carry"),
    Cause(id="hardware", name="Broken hardware"),
    Cause(id="network", name="Our own network"),
    Cause(id="power", name="Power or cooling"),
    Cause(id="expiry", name="A certificate, domain or licence ran out"),
    Cause(id="attack", name="Attack or abuse"),
    Cause(id="supplier", name="A supplier", supplier="a supplier"),
    _NOTHING_BROKEN,
)


def causes(config: Config) -> Causes:
    """Give what may be chosen, in the file's order; that nothing was broken may always be."""
    if config.causes is None:
        return Causes(listed=ORDINARY)
    listed = tuple(Cause(id=id, name=one.name or named(id), supplier=one.supplier or "") for id, one in config.causes.items())
    whole = listed if FALSE_ALARM in config.causes else (*listed, _NOTHING_BROKEN)
    return Causes(listed=whole, is_open=not config.causes)
