"""How things are spelled: protocols and formats, read strictly and with caps. Nothing here opens a connection or is a kind of probe."""
