"""Every address about people: coming in, oneself, the agents and what was done."""

from statuspage.web import account, agent_bodies, agents, api, auditing, bodies, invitations, login, vouching
from statuspage.web.auth import Access, Permission
from statuspage.web.provider import BACK
from statuspage.web.route import Route, read, see, send

PEOPLE: tuple[Route, ...] = (
    see("/login", login.show_login, Access.PUBLIC),
    send("/login", login.login, Access.PUBLIC),
    send("/login/code", login.login_by_code, Access.PUBLIC),
    see("/login/provider", vouching.go, Access.PUBLIC),
    see(BACK, vouching.back, Access.PUBLIC),
    see("/login/provider/leave", vouching.leave, Access.PUBLIC),
    send("/logout", login.logout, Access.AGENT),
    see("/invitations/{code}", invitations.show_invitation, Access.PUBLIC),
    send("/invitations/{code}", invitations.accept_by_form, Access.PUBLIC),
    see("/account", account.show_account, Access.AGENT),
    send("/account/sessions/end", account.end_by_form, Access.AGENT),
    send("/account/log-out", account.log_out_everywhere, Access.AGENT),
    send("/account/password", account.change_password, Access.AGENT),
    send("/account/factor", account.offer_factor, Access.AGENT),
    send("/account/factor/confirm", account.confirm_factor, Access.AGENT),
    send("/account/factor/remove", account.remove_factor, Access.AGENT),
    see("/agents", agents.show_agents, Permission.APPOINT),
    send("/agents", agents.add_by_form, Permission.APPOINT),
    send("/agents/roles", agents.set_roles_by_form, Permission.APPOINT),
    send("/agents/invite", agents.invite_by_form, Permission.APPOINT),
    send("/agents/log-out", agents.log_out_by_form, Permission.APPOINT),
    send("/agents/disable", agents.disable_by_form, Permission.APPOINT),
    send("/agents/factor/remove", agents.remove_factor_by_form, Permission.APPOINT),
    send("/agents/sessions/end", agents.end_session_by_form, Permission.APPOINT),
    send("/agents/tokens", agents.create_token_by_form, Permission.APPOINT),
    send("/agents/tokens/revoke", agents.revoke_token_by_form, Permission.APPOINT),
    read("/api/v1/agents", agents.list_agents, agent_bodies.AgentList, Permission.APPOINT),
    see("/audit", auditing.show_audit, Permission.READ_OWN_AUDIT),
    read("/api/v1/audit", api.list_audit, bodies.AuditList, Permission.READ_OWN_AUDIT),
)
