"""Premium: the job that deploys to production is manual, and only the gate may play it. It does when the gate opens.

GitLab plays a job that has ended once more, as a new one, when it is told to play it. So only a job that still is
`manual` is ever played, and one that is not any more was: by us, or past us.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gate.gitlab.client import Deployment
from gate.gitlab.promotion.production import Job, Protection, job_called, overtaken_by, pipeline_of, protection_of
from gate.gitlab.promotion.steps import Done, Idle, Later, Looks, Once, Refused, Step
from gate.gitlab.protocol import Method, Request, project_path
from gate.model import Promotion

AHEAD = frozenset({"created"})
"""Jobs of stages before it have not ended."""
LEFT_OUT = frozenset({"skipped", "scheduled"})
"""It will not wait for anybody: a job before it failed, or it starts by itself."""
TAKEN_BACK = frozenset({"canceled", "canceling"})
"""Nobody has played it if it never started: GitLab says of such a job who has started the pipeline."""
REMEDY = "protect the environment, and allow the gate's bot to deploy there, by name, and no role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that the decision depends on."""

    job: Job | None
    deployments: Sequence[Deployment]
    """To the environment, newest first."""
    protection: Protection | None
    bot: int


class Play:
    """Looks, and has `next_step` decide."""

    def announce(self, gitlab: Looks, promotion: Promotion) -> Step:
        """Nothing is done, but what would keep the job from being played is said before it matters."""
        environment = promotion.promote.environment
        protection = protection_of(gitlab, promotion.commit.project, environment)
        bot = gitlab.user()
        weak = weakness(protection, environment, bot)
        return Refused(why=weak) if weak else Idle(warning=others(protection, environment, bot))

    def result(self, gitlab: Looks, promotion: Promotion) -> Step:
        """A job that nobody plays stays where it is."""
        return Idle()

    def release(self, gitlab: Looks, promotion: Promotion) -> Step:
        project, environment = promotion.commit.project, promotion.promote.environment
        seen = Seen(
            job=job_called(gitlab, project, pipeline_of(promotion), promotion.promote.name),
            deployments=gitlab.deployments(project, environment=environment),
            protection=protection_of(gitlab, project, environment),
            bot=gitlab.user(),
        )
        return next_step(promotion, seen)


def next_step(promotion: Promotion, seen: Seen) -> Step:
    """Guards first, each saying why it stops; what is left over is a job to be played. Pure."""
    pipeline, name, environment = pipeline_of(promotion), promotion.promote.name, promotion.promote.environment
    job, what = seen.job, f"job {name} of pipeline {pipeline}"
    if job is None:
        return Refused(why=f"pipeline {pipeline} has no job {name}; compare `promote.job` with its `.gitlab-ci.yml`")
    if job.status in AHEAD:
        return Later(why=f"{what} waits for jobs before it")
    if job.status in LEFT_OUT:
        return Refused(why=f"{what} is {job.status}; let it be `when: manual`, and the jobs before it succeed")
    if job.status != "manual":
        return _left(what, job, seen.bot)
    if (newer := overtaken_by(seen.deployments, pipeline)) is not None:
        return Refused(why=f"{what} is not played: pipeline {newer} is newer and deploys to {environment} too")
    if weak := weakness(seen.protection, environment, seen.bot):
        return Refused(why=f"{what} is not played: {weak}")
    record = next((each for each in seen.deployments if each.job == job.id), None)
    if record is None:
        why = f"{what} is not played: it does not deploy to {environment}, so that its protection holds nobody back"
        return Refused(why=f"{why}; give the job `environment: {environment}`")
    if record.status == "blocked":
        return Later(why=f"{what} waits for approvals")
    request = Request(method=Method.POST, path=project_path(promotion.commit.project, "jobs", job.id, "play"))
    return Once(request=request, what=f"played {what}")


def weakness(protection: Protection | None, environment: str, bot: int) -> str:
    """Why others than the gate could play the job, or the gate could not; empty if it is as it should be."""
    if protection is None:
        return f"the environment {environment} is not protected, so that everybody may deploy past the gate; {REMEDY}"
    if protection.roles:
        return f"{', '.join(protection.roles)} may deploy to {environment}, past the gate; {REMEDY}"
    if bot not in protection.users:
        return f"the gate's bot (user {bot}) may not deploy to {environment}; {REMEDY}"
    return ""


def others(protection: Protection | None, environment: str, bot: int) -> str:
    """Who else was named, so that whoever answers for the environment meant it; empty: nobody."""
    if protection is None:
        return ""
    named = [name for user, name in sorted(protection.users.items()) if user != bot]
    named += [f"the group {name}" for name in protection.groups]
    return f"{', '.join(named)} may deploy to {environment} too, past the gate" if named else ""


def _left(what: str, job: Job, bot: int) -> Step:
    """A job that does not wait any more."""
    if job.status in TAKEN_BACK and not job.started:
        return Refused(why=f"{what} is {job.status}: somebody has canceled it before it was played; run a new pipeline")
    if job.user == bot:
        return Done(what=f"played {what}")
    who = f"user {job.user}" if job.user is not None else "somebody"
    return Refused(why=f"{what} is {job.status}: {who} has started it, past the gate; let it be `when: manual`")
