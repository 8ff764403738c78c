"""The ways in which a server of the demo company can be broken."""

from enum import StrEnum


class Mode(StrEnum):
    """How a server is broken. Which of them a server knows is its own to say."""

    STOPPED = "stopped"
    REFUSING = "refusing"
    STALLING = "stalling"
    ERRORS = "errors"
    LOSING = "losing"
    JUNKING = "junking"
    SLOW = "slow"

    @property
    def meaning(self) -> str:
        """Say in a few words what somebody who talks to the server sees."""
        return _MEANINGS[self]


_MEANINGS = {
    Mode.STOPPED: "nothing listens there any more",
    Mode.REFUSING: "answers, and refuses everybody at the door",
    Mode.STALLING: "accepts connections and says nothing",
    Mode.ERRORS: "answers every request with an error",
    Mode.LOSING: "accepts mail and loses it",
    Mode.JUNKING: "delivers mail to the junk folder",
    Mode.SLOW: "gives the right answer, slowly",
}
