"""Spellings of one picture: HTML, feeds, JSON, calendars, badges, metrics, mail."""
