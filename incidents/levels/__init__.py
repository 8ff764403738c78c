"""What was promised and what was kept: the ledger of a service, its budget, its credits."""
