"""What is kept between rounds: made again from another source only, and gone once nobody asks for it."""

from statuspage.render.kept import Kept


class Maker:
    """Makes lists of texts, and counts how often."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, source: list[str]) -> list[str]:
        self.made += 1
        return [*source]


def test_an_equal_source_gives_the_very_same() -> None:
    kept, make = Kept[list[str]](), Maker()
    first = kept.made("email", ["up"], make)
    kept.turn()
    assert kept.made("email", ["up"], make) is first
    assert make.made == 1


def test_another_source_is_made_anew_and_only_that() -> None:
    kept, make = Kept[list[str]](), Maker()
    for name in ("email", "portal"):
        kept.made(name, ["up"], make)
    kept.turn()
    assert kept.made("email", ["down"], make) == ["down"]
    assert kept.made("portal", ["up"], make) == ["up"]
    assert make.made == 3


def test_what_a_round_did_not_ask_for_is_dropped() -> None:
    kept, make = Kept[list[str]](), Maker()
    first = kept.made("email", ["up"], make)
    kept.turn()
    kept.turn()
    assert kept.made("email", ["up"], make) is not first
