"""What the API tells of the people at the desk."""

from datetime import datetime
from typing import Self

from statuspage.store.people import Agent, Role
from statuspage.web.bodies import Given


class AgentShown(Given):
    """An agent, with the roles and the teams that bound them; no team bounds nobody. One who is invited has no password yet."""

    name: str
    roles: list[Role]
    teams: list[str]
    created_at: datetime
    disabled_at: datetime | None
    is_invited: bool
    is_linked: bool

    @classmethod
    def of(cls, agent: Agent) -> Self:
        """Show *agent*."""
        return cls(
            name=agent.name,
            roles=sorted(agent.roles),
            teams=sorted(agent.teams),
            created_at=agent.created_at,
            disabled_at=agent.disabled_at,
            is_invited=agent.is_invited,
            is_linked=agent.is_linked,
        )


class AgentList(Given):
    """Everybody at the desk."""

    items: list[AgentShown]
    next: str | None
