"""The deployments of jobs: each record follows its job, waits for approval where its environment asks for that."""

from gate.sandbox.gitlab.model import ApprovalRule, Deployment, Project, Row, Setting, User
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.state import State

FOLLOWED = frozenset({"running", "success", "failed", "canceled", "skipped"})
"""The statuses of a job that its deployment has too."""


def record_of(project: Project, row: Row) -> Deployment | None:
    """The deployment that a job makes."""
    return next((each for each in project.deployments if each.job == row.id), None)


def is_outdated(project: Project, row: Row) -> bool:
    """Whether a newer deployment has succeeded meanwhile, so that this one would go back in time."""
    record = record_of(project, row)
    if record is None or not project.settings[Setting.NEWEST_DEPLOYMENT_ONLY]:
        return False
    return any(
        each.environment == record.environment and each.status == "success" and each.id > record.id
        for each in project.deployments
    )


def rules_of(project: Project, environment: str) -> list[ApprovalRule]:
    """What has to be approved before anything is deployed there."""
    protection = project.protection(environment)
    return protection.rules if protection else []


def is_approved(project: Project, deployment: Deployment) -> bool:
    """Whether every rule has as many approvals as it asks for."""
    return all(
        sum(each.rule == rule.access.id and each.status == "approved" for each in deployment.approvals) >= rule.required
        for rule in rules_of(project, deployment.environment)
    )


class Deploying:
    """Writes the records. Called with the state's lock held."""

    def __init__(self, state: State, progress: Progress) -> None:
        self._state, self._progress = state, progress

    def open(
        self, project: Project, *, environment: str, sha: str, ref: str, status: str, user: User, job: int | None = None
    ) -> Deployment:
        """A new record."""
        now = self._state.now()
        made = Deployment(
            id=self._state.next_id("deployment"),
            iid=len(project.deployments) + 1,
            environment=environment,
            sha=sha,
            ref=ref,
            status=status,
            user=user.id,
            job=job,
            created_at=now,
            updated_at=now,
        )
        project.deployments.append(made)
        self._state.environment(project, environment)
        if status != "created":
            self._progress.deployed(project, made)
        return made

    def follow(self, project: Project, row: Row) -> None:
        """Bring the record of a job to where the job is now."""
        record = record_of(project, row)
        if record is None:
            return
        record.user = row.user
        if row.status == "manual" and not is_approved(project, record):
            self.change(project, record, "blocked")
        elif row.status in FOLLOWED:
            self.change(project, record, row.status)

    def change(self, project: Project, record: Deployment, status: str) -> None:
        """Give a record another status."""
        if record.status != status:
            record.status = status
            self._progress.deployed(project, record)
