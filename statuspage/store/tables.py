"""Every table there is. A new store is made from this; the migrations build the same: a test compares them on both databases."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    false,
)

from incidents.impairment import Hindrance
from incidents.model import Origin, State, Status, Subject
from incidents.votes import Level
from statuspage.store import (  # noqa: F401 - so that the metadata holds them too
    advisory_tables,
    audit_tables,
    caller_tables,
    change_tables,
    duty_tables,
    feed_tables,
    knowledge_tables,
    ledger_tables,
    maintenance_tables,
    outbox_tables,
    people_tables,
    postmortem_tables,
    report_tables,
    review_tables,
    scope_tables,
    signal_tables,
    usefulness_tables,
    word_tables,
)
from statuspage.store.columns import Choice, Instant, Texts, in_languages, metadata
from statuspage.store.columns import instant as _instant
from statuspage.store.columns import number as _number
from statuspage.store.columns import sequence as _sequence
from statuspage.store.columns import text as _text

__all__ = ["metadata"]  # beside what is made here


# --- what this installation is --------------------------------------------------------------------------------------------------

installation = Table("installation", metadata, _text("name", primary_key=True), _text("value"))

configurations = Table(
    "configurations",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _instant("applied_at"),
    _text("digest"),
    _text("text"),
    Column("compiled", JSON(none_as_null=True)),  # what it means to judging and to the page; none: an older release wrote it
    Column("applied_by", Text),  # none: nobody asked for it by name
    Column("occasion", Text),  # none: an older release took it into use
)

public_ids = Table("public_ids", metadata, _text("name", primary_key=True), _text("public", unique=True))

# --- what was measured: narrow rows, since there are millions -------------------------------------------------------------------

# A number for each pair of monitor and location: one short integer a row instead of two.
places = Table(
    "places",
    metadata,
    Column("num", Integer, primary_key=True),
    _text("monitor"),
    _text("location"),
    UniqueConstraint("monitor", "location"),
)


def _place() -> Column[int]:
    # No foreign key: it would cost a look-up a row, and the numbers are only ever given out by ``results``.
    return Column("place", Integer, primary_key=True, autoincrement=False)


results = Table(
    "results",
    metadata,
    _place(),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),  # milliseconds since 1970
    Column("failure", SmallInteger, nullable=False),  # a code of results.FAILURE_CODES; 0 is none
    Column("took", Integer, nullable=False),  # microseconds
    sqlite_with_rowid=False,
)


def _rollups(name: str, span: str) -> Table:
    return Table(
        name,
        metadata,
        _place(),
        Column(span, Integer, primary_key=True, autoincrement=False),  # hours, or days, since 1970
        Column("results", Integer, nullable=False),
        Column("failed", Integer, nullable=False),
        Column("took_sum", BigInteger, nullable=False),  # microseconds
        Column("took_max", Integer, nullable=False),  # microseconds
        sqlite_with_rowid=False,
    )


rollups_hourly = _rollups("rollups_hourly", "hour")
rollups_daily = _rollups("rollups_daily", "day")

# --- what was judged ------------------------------------------------------------------------------------------------------------

batches = Table(
    "batches",
    metadata,
    _sequence(),
    Column("at", BigInteger, nullable=False),  # milliseconds since 1970: there is one row for each batch of results
    Column("heard", LargeBinary),  # which results, packed by statuspage.store.past; none: nothing that can be replayed
    Column("more", JSON(none_as_null=True)),  # what else the batch came from; none: nothing else
    # The numbers of pruned batches are never given out again: the journal refers to them.
    sqlite_autoincrement=True,
)

# Where a replay may begin: all that was known between two batches.
memories = Table(
    "memories", metadata, Column("batch", Integer, primary_key=True, autoincrement=False), Column("body", JSON, nullable=False)
)

streaks = Table(
    "streaks",
    metadata,
    _text("monitor", primary_key=True),
    _text("location", primary_key=True),
    Column("judged", Choice(Level)),
    Column("runs", JSON, nullable=False),
    _number("unknown"),
    Column("unknown_since", Instant),
    Column("failure", Text),
    Column("stage", Text),
    _text("detail"),
    Column("began", Instant),
)

standings = Table(
    "standings",
    metadata,
    Column("subject", Choice(Subject), primary_key=True),
    _text("id", primary_key=True),
    Column("status", Choice(Status), nullable=False),
    _instant("since"),
    _text("cause"),
    Column("covered", Choice(Status)),
    Column("measured_since", Instant),
    Column("old", Choice(Status)),  # none: nothing was known before
)

status_changes = Table(
    "status_changes",
    metadata,
    _sequence(),
    _instant("at"),
    Column("subject", Choice(Subject), nullable=False),
    _text("id"),
    _instant("since"),
    Column("old", Choice(Status), nullable=False),
    Column("new", Choice(Status), nullable=False),
    _text("cause"),
    Column("covered", Choice(Status)),
    Column("shown_since", Instant),  # none: as since
    Index(None, "subject", "id", "sequence"),
)

# Of services alone, so that a month long ago is found without walking through all that came after.
_of_service = status_changes.c.subject == "service"
Index(
    "ix_status_changes_services",
    status_changes.c.id,
    status_changes.c.since,
    sqlite_where=_of_service,
    postgresql_where=_of_service,
)

_of_monitor = status_changes.c.subject == "monitor"
Index("ix_status_changes_monitors", status_changes.c.at, sqlite_where=_of_monitor, postgresql_where=_of_monitor)

incidents = Table(
    "incidents",
    metadata,
    _text("id", primary_key=True),
    _text("name"),
    Column("origin", Choice(Origin), nullable=False),
    Column("state", Choice(State), nullable=False),
    _instant("started_at"),
    _instant("opened_at"),
    Column("root", Text),
    Column("publish_at", Instant),
    Column("published_at", Instant),
    Column("recovered_at", Instant),
    Column("resolves_at", Instant),
    Column("resolved_at", Instant),
    Column("acknowledged_by", Text),
    Column("acknowledged_at", Instant),
    Column("acknowledgement_expires_at", Instant),
    _number("updates"),
    _number("notes"),
    Column("asks_desk", Boolean, nullable=False),
    Column("cause", Text),
    Column("merged_into", Text),
    Column("told", JSON, nullable=False),  # claims, as incidents.claims spells them
    Column("told_at", Instant),
    Column("reopens_until", Instant),
    Column("returned_at", Instant),
    Column("outages", JSON),  # pairs of instants: since, until
    Column("planned_until", Instant),
    Column("flapping_since", Instant),
    Column("calmed_at", Instant),
    Column("imported_from", Text),  # the address of the page that told of it before
    Column("language", Text),  # of the name; none: an older release gave it
    Column("names", Texts),  # in other languages
    Column("climb", JSON(none_as_null=True)),  # how far it was carried up the tiers; none: an older release opened it
    Column("gated_by", Text),
    Column("affected_share", Double),
    Column("cost_to_resolve", Double),
    Column("brief", JSON(none_as_null=True)),
    Column("tickets", JSON(none_as_null=True)),
    Column("impact", Choice(Status)),  # what that page said of it as a whole; none: we know it by its services
    Index(None, "resolved_at"),
    Index(None, "started_at"),
    Index(None, "opened_at"),
)

_unresolved_machine = and_(incidents.c.origin == "machine", incidents.c.resolved_at.is_(None))
one_open_per_root = Index(
    "uq_incidents_open_root",
    incidents.c.root,
    unique=True,
    sqlite_where=_unresolved_machine,
    postgresql_where=_unresolved_machine,
)


def _of_incident() -> Column[str]:
    return Column("incident", Text, ForeignKey("incidents.id"), primary_key=True)


_may_return = incidents.c.reopens_until.is_not(None)
Index("ix_incidents_ended", incidents.c.reopens_until, sqlite_where=_may_return, postgresql_where=_may_return)

incident_components = Table(
    "incident_components",
    metadata,
    _of_incident(),
    _text("component", primary_key=True),
    _number("position"),
    Column("pinned", Boolean, nullable=False, server_default=false()),  # by a person: the machine leaves it there
)

incident_services = Table(
    "incident_services",
    metadata,
    _of_incident(),
    _text("service", primary_key=True),
    Column("status", Choice(Status)),  # none: no longer affected, it only was
    Column("worst", Choice(Status), nullable=False),
)

updates = Table(
    "updates",
    metadata,
    _of_incident(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Choice(State), nullable=False),
    _text("title"),
    _text("body"),
    _instant("at"),
    Column("by", Text),
    Column("automatic", Boolean, nullable=False),
    Column("next_update_by", Instant),
    Column("edited_at", Instant),
    Column("redacted_at", Instant),
    *in_languages(),
    Index(None, "at"),
)

_promising = updates.c.next_update_by.is_not(None)
Index("ix_updates_promised", updates.c.next_update_by, sqlite_where=_promising, postgresql_where=_promising)

notes = Table(
    "notes",
    metadata,
    _of_incident(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _text("body"),
    _instant("at"),
    _text("by"),
)

# What each monitor measures, as a digest of its kind and settings: after an edit its old votes count no more.
measured = Table("measured", metadata, _text("monitor", primary_key=True), _text("digest"))

paused = Table("paused", metadata, _text("monitor", primary_key=True), _text("by"), _instant("at"), _text("reason"))

waived = Table("waived", metadata, _text("component", primary_key=True), _instant("at"), _text("by"), _text("reason"))

# --- whether we could see -------------------------------------------------------------------------------------------------------

# Controls that have answered once: a control that never did says nothing.
controls = Table("controls", metadata, _text("location", primary_key=True), _text("control", primary_key=True), _instant("proven_at"))

impairments = Table(
    "impairments",
    metadata,
    _sequence(),
    _text("location"),
    Column("reason", Choice(Hindrance), nullable=False),
    _instant("since"),
    Column("until", Instant),
    _text("detail"),
)

_lasting = impairments.c.until.is_(None)
one_open_impairment = Index(
    "uq_impairments_open",
    impairments.c.location,
    impairments.c.reason,
    unique=True,
    sqlite_where=_lasting,
    postgresql_where=_lasting,
)

journal = Table(
    "journal",
    metadata,
    _sequence(),
    _number("batch"),  # no foreign key: batches are pruned, the journal stays
    _instant("at"),
    Column("incident", Text),
    _text("kind"),
    Column("body", JSON, nullable=False),
    Column("maintenance", Text),
    Column("advisory", Text),
    Index(None, "incident", "sequence"),
    Index(None, "maintenance", "sequence"),
    Index(None, "advisory", "sequence"),
)

# --- what was answered to whom -----------------------------------------------------------------------------------------------------

idempotency = Table(
    "idempotency",
    metadata,
    _text("actor", primary_key=True),
    _text("key", primary_key=True),
    _text("request"),  # the method and the path
    _text("digest"),  # of the request's body
    _number("status"),
    _text("response"),
    _instant("at"),
    Index(None, "at"),
)
