"""Somebody who listens to a probe's dialogue."""


class Ear:
    """Keeps what was said: ``C`` by the probe, ``S`` by the server."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def sent(self, text: str) -> None:
        self.lines.append(f"C {text}")

    def received(self, text: str) -> None:
        self.lines.append(f"S {text}")
