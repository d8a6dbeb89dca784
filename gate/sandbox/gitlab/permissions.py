"""Who may do what to a branch, a pipeline or an environment. Pure."""

from collections.abc import Iterable

from gate.sandbox.gitlab.model import Access, Group, Project, ProtectedBranch, Role, User


def protection_of(project: Project, branch: str) -> ProtectedBranch | None:
    """The rule about a branch, the one with its own name first."""
    fitting = [each for each in project.protected_branches if each.covers(branch)]
    return next((each for each in fitting if each.name == branch), fitting[0] if fitting else None)


def may_push(project: Project, user: User, branch: str) -> bool:
    """Whether the user may change the branch."""
    rule = protection_of(project, branch)
    return _allows(project.role(user), rule.push if rule else Role.DEVELOPER)


def may_merge(project: Project, user: User, branch: str) -> bool:
    """Whether the user may merge into the branch."""
    rule = protection_of(project, branch)
    return _allows(project.role(user), rule.merge if rule else Role.DEVELOPER)


def may_update_pipeline(project: Project, user: User, ref: str) -> bool:
    """Whether the user may change a pipeline of this ref: on a protected one that takes the right to push or merge."""
    return may_push(project, user, ref) or may_merge(project, user, ref)


def _allows(role: Role, least: Role) -> bool:
    return least is not Role.NOBODY and role >= least


def lets_through(access: Access, project: Project, user: User, groups: Iterable[Group]) -> bool:
    """Whether the user is the one, in the group, or has the role that is meant."""
    if access.user is not None:
        return access.user == user.id
    if access.group is not None:
        return any(user.id in group.members for group in groups if group.id == access.group)
    return project.role(user) >= (access.role or Role.OWNER)


def may_deploy(project: Project, user: User, environment: str, groups: Iterable[Group]) -> bool:
    """Whether the user may deploy there; with a protected environment that is for those in its list only."""
    rule = project.protection(environment)
    if rule is None or user.admin:
        return True
    return any(lets_through(each, project, user, groups) for each in rule.deploy)
