"""The table of the services that the main page does not tell of; one that is gone stays in it, for as long as its history is kept."""

from sqlalchemy import Table

from statuspage.store.columns import metadata, text

hidden_services = Table("hidden_services", metadata, text("service", primary_key=True))
