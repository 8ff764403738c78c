"""Ids that are made, not given: of incidents, of planned windows and of advisories."""

import hashlib

from incidents.model import Situation


def new_id(situation: Situation, *grounds: str) -> str:
    """Twelve lowercase letters and digits, unguessable, and the same whenever the past is replayed."""
    number = int.from_bytes(hashlib.sha256("\n".join((situation.seed, *grounds)).encode()).digest())
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(digits[number // 36**place % 36] for place in range(12))
