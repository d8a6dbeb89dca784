"""The forms of the documents: every field, its type and what it means. What they become are the nouns of the model."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from gate.documents.units import Duration, Lasting, Percent, WholePercent
from gate.model import (
    Compare,
    Isolation,
    JudgeAt,
    OnApproved,
    OnFailed,
    OnRollback,
    OnSubscribe,
    Targets,
    Window,
    WorkloadKind,
)

GROUP = "chaosgate.dev"
API_VERSION = f"{GROUP}/v1alpha1"

NAME = r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME, examples=["survives-pod-loss"])]
"""A name that Kubernetes takes: lower case letters, digits, `-` and `.`."""
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$", examples=["delay"])]


NamespacePattern = Annotated[str, Field(pattern=r"^[a-z0-9*?]([a-z0-9*?-]{0,61}[a-z0-9*?])?$", examples=["shop-*"])]


class Form(BaseModel):
    """A form knows all of its fields; another one is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Metadata(Form):
    """Who a document is."""

    name: Name = Field(description="The name that others refer to it by.")
    labels: dict[str, str] = Field(
        default={}, description="Labels for people and tools.", examples=[{"app": "checkout"}]
    )


class SelectorForm(Form):
    """Workloads by their labels."""

    match_labels: dict[str, str] = Field(
        min_length=1, description="Labels that they all have.", examples=[{"team": "payments"}]
    )


class WorkloadForm(Form):
    """A workload by name, or all that a selector finds."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["namespace", "name"]}, {"required": ["namespaces", "selector"]}],
            "examples": [{"kind": "Deployment", "namespace": "shop", "name": "checkout"}],
        }
    )

    kind: WorkloadKind = Field(description="The kind of workload.")
    namespace: Name | None = Field(default=None, description="Its namespace.", examples=["shop"])
    name: Name | None = Field(default=None, description="Its name.", examples=["checkout"])
    selector: SelectorForm | None = Field(default=None, description="Instead of a name: labels.")
    namespaces: list[NamespacePattern] | None = Field(
        default=None, min_length=1, description="With a selector: namespaces or patterns.", examples=[["shop-*"]]
    )

    @model_validator(mode="after")
    def _name_or_selector(self) -> Self:
        named, selected = (self.namespace, self.name), (self.namespaces, self.selector)
        if all(named) and not any(selected):
            return self
        if all(selected) and not any(named):
            return self
        raise ValueError("must have either namespace and name, or namespaces and selector")


class TargetForm(Form):
    """Another workload than the judged one that a step hits."""

    kind: WorkloadKind = Field(description="The kind of workload.")
    namespace: Name | None = Field(
        default=None, description="Its namespace; that of the judged workload if left out.", examples=["shop"]
    )
    name: Name = Field(description="Its name.", examples=["inventory"])


class WorkflowUseForm(Form):
    """A workflow that a subscription asks for."""

    name: Name = Field(description="The workflow's name.")
    parameters: dict[str, Any] = Field(
        default={}, description="Values for the parameters that it declares.", examples=[{"delay": "400ms"}]
    )


EnvironmentName = Annotated[str, Field(pattern=r"^[\w ./${}()+-]+$", max_length=255, examples=["production"])]
"""A name that GitLab takes for an environment."""


ProjectPath = Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)+$", examples=["shop/checkout"])]
WAYS = ("job", "approve", "check", "trigger")
"""The fields that say how production is opened."""


class PromoteForm(Form):
    """How production is opened when the gate is."""

    job: str | None = Field(
        default=None, min_length=1, description="The manual job that is played.", examples=["deploy-production"]
    )
    environment: EnvironmentName | None = Field(
        default=None, description="With job: the protected environment that it deploys to; production if left out."
    )
    approve: EnvironmentName | None = Field(
        default=None, description="The environment whose deployment waits for approvals, and is given one."
    )
    on_failed: OnFailed = Field(
        default=OnFailed.WAIT, description="With approve: what becomes of a deployment whose version has failed."
    )
    on_approved: OnApproved = Field(
        default=OnApproved.WAIT,
        description="With approve: whether a person plays the job once nobody's approval is missing, or the gate does.",
    )
    check: str | None = Field(
        default=None, min_length=1, description="The external status check of merge requests.", examples=["chaos-gate"]
    )
    trigger: str | None = Field(
        default=None, min_length=1, description="The branch or tag whose pipeline is started.", examples=["main"]
    )
    project: ProjectPath | None = Field(
        default=None, description="With trigger: the project of the pipeline; the one that is told if left out."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in WAYS if getattr(self, name) is not None]
        if len(ways) != 1:
            raise ValueError(f"must have one of {', '.join(WAYS)}, and only one")
        only = (("environment", "job"), ("on_failed", "approve"), ("on_approved", "approve"), ("project", "trigger"))
        for field, way in only:
            if field in self.model_fields_set and way not in ways:
                raise ValueError(f"{to_camel(field)} is for {way}; leave it out")
        return self


class GitLabForm(Form):
    """Where the verdict is told."""

    project: ProjectPath = Field(description="The project's path with its groups.")
    promote: PromoteForm | None = Field(
        default=None, description="How production is opened; if left out, by a job that waits, or by people."
    )


class SubscriptionSpec(Form):
    """This workload, these workflows, this GitLab project."""

    workload: WorkloadForm = Field(description="The workload whose upgrades are judged.")
    environment: Name = Field(description="The GitLab environment that it runs in.", examples=["staging"])
    workflows: list[WorkflowUseForm] = Field(min_length=1, description="The workflows that judge each new version.")
    settle: Duration = Field(
        default=timedelta(seconds=5), description="How long a rollout must stay complete before it is judged."
    )
    deadline: Lasting = Field(default=timedelta(minutes=30), description="How long judging one version may take.")
    on_subscribe: OnSubscribe = Field(
        default=OnSubscribe.RECORD, description="What happens to the version that already runs: record it, or run."
    )
    on_rollback: OnRollback = Field(
        default=OnRollback.REUSE, description="What happens to a version that was judged before: reuse, or run again."
    )
    judge: JudgeAt = Field(
        default=JudgeAt.HEALTHY,
        description="When an Argo Rollout's version is judged: when it is healthy, or when it pauses at a canary step.",
    )
    gitlab: GitLabForm | None = Field(default=None, description="Where the verdict is told; nowhere if left out.")

    @field_validator("judge")
    @classmethod
    def _only_for_rollouts(cls, judge: JudgeAt, others: ValidationInfo) -> JudgeAt:
        workload = others.data.get("workload")
        if judge is JudgeAt.CANARY and workload and workload.kind is not WorkloadKind.ROLLOUT:
            raise ValueError(f"canary is for Rollouts; a {workload.kind} does not pause")
        return judge


class ParameterForm(Form):
    """A parameter that a workflow declares for subscriptions, or a fault for steps."""

    default: Any = Field(
        default=None, description="Its value when none is given; without it, one must be.", examples=["400ms"]
    )
    description: str = Field(
        default="", description="What it means, for those who give it.", examples=["How late the dependency answers."]
    )


class ToleranceForm(Form):
    """How much may go wrong. What is left out does not limit; where nothing is said, no sample may be bad."""

    failures: Percent | None = Field(default=None, description="The share of samples that may be bad.")
    streak: Duration | None = Field(
        default=None, description="The longest unbroken time without a good answer.", examples=["1s"]
    )
    p95: Lasting | None = Field(default=None, description="The time within which 95% of the samples are good answers.")
    at_least: FiniteFloat | None = Field(
        default=None, description="What no sample's number may be below.", examples=[1]
    )
    at_most: FiniteFloat | None = Field(
        default=None, description="What no sample's number may be above.", examples=[100]
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"atLeast {self.at_least:g} is more than atMost {self.at_most:g}")
        return self


class LoadForm(Form):
    """Traffic for as long as the workflow runs. The kind of load is the name of its block."""

    name: str = Field(min_length=1, description="A name for people.", examples=["customers"])


class ProbeForm(Form):
    """A question about the service, asked again and again. The kind of probe is the name of its block."""

    name: str = Field(
        min_length=1,
        description="A name for people, such as a statement that should hold.",
        examples=["customers can buy"],
    )
    every: Lasting = Field(default=timedelta(seconds=1), description="How often it is asked.")
    expect: dict[str, Any] = Field(default={}, description="What counts as a good answer.", examples=[{"status": 200}])
    tolerate: ToleranceForm = Field(default=ToleranceForm(), description="How much may go wrong in one window.")
    when: list[Window] = Field(default=list(Window), description="In which parts of a run it counts.")
    weight: int = Field(default=1, ge=1, le=100, description="How much it counts in the score, beside the others.")
    critical: bool = Field(default=False, description="Beyond its tolerance it fails the run, whatever the threshold.")

    @field_validator("when")
    @classmethod
    def _somewhere(cls, when: list[Window]) -> list[Window]:
        if not when:
            raise ValueError(f"a probe that counts nowhere is of no use; say some of {', '.join(Window)}")
        return when


class StepForm(Form):
    """One fault for some time, and what may happen afterwards."""

    name: str = Field(min_length=1, description="A name for people.", examples=["one pod dies"])
    fault: str = Field(description="The kind of fault.", examples=["pod-kill"])
    settings: dict[str, Any] = Field(
        default={}, alias="with", description="The fault's own settings.", examples=[{"count": 1}]
    )
    target: TargetForm | None = Field(default=None, description="Another workload to hit than the judged one.")
    used: str | None = Field(
        default=None,
        description="The probe whose good answers need the target, and so show that it had been used.",
        examples=["customers can buy"],
    )
    targets: Targets = Field(
        default=Targets.FIXED,
        description="Whether what replaces a pod that was hit, while the fault is held, is hit as well.",
    )
    hold: Lasting = Field(description="How long the fault stays.", examples=["20s"])
    recover: Lasting = Field(description="How soon after the fault the service must be steady again.", examples=["15s"])


class RepeatForm(Form):
    """The steps are done more than once."""

    times: int = Field(ge=2, le=10, description="How often all steps are done.", examples=[3])
    passes: int | None = Field(
        default=None,
        ge=1,
        alias="pass",
        description="How many of these repetitions have to pass; all if left out.",
        examples=[2],
    )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.passes is not None and self.passes > self.times:
            raise ValueError(f"{self.passes} of {self.times} repetitions cannot pass")
        return self


class WorkflowSpec(Form):
    """Steady state, load and steps."""

    parameters: dict[ParameterName, ParameterForm] = Field(
        default={}, description="What subscriptions may set.", examples=[{"delay": {"default": "400ms"}}]
    )
    baseline: Lasting = Field(
        default=timedelta(seconds=5), description="How long the service is watched before the first fault."
    )
    load: list[LoadForm] = Field(default=[], description="Traffic that runs all the while.")
    steady_state: list[ProbeForm] = Field(
        min_length=1,
        description="What must hold.",
        examples=[[{"name": "customers can buy", "http": {"url": "http://checkout.shop:8080/buy"}}]],
    )
    steps: list[StepForm] = Field(
        min_length=1,
        description="The faults, one after the other.",
        examples=[[{"name": "one pod dies", "fault": "pod-kill", "hold": "20s", "recover": "15s"}]],
    )
    repeat: RepeatForm | None = Field(default=None, description="Do all steps more than once; once if left out.")
    isolation: Isolation = Field(
        default=Isolation.NONE, description="What the steps hit: the workload itself (none), or a copy of it."
    )
    compare: Compare | None = Field(
        default=None, description="Do the same to a copy of the version before, where this one failed."
    )
    service: Name | None = Field(
        default=None,
        description="The Service that target.host is; if left out, that with the workload's name.",
        examples=["checkout"],
    )
    threshold: WholePercent | None = Field(
        default=None, description="The share of the probes, by weight, that must hold in each step; all if left out."
    )


class FaultSpec(Form):
    """One block, which is named like a kind of fault, and what it leaves to steps."""

    model_config = ConfigDict(extra="allow")

    parameters: dict[ParameterName, ParameterForm] = Field(
        default={},
        description="What steps may set in `with`; filled in where the block says `${parameters.NAME}`.",
        examples=[{"feature": {"description": "Which one is switched off."}}],
    )


class FaultForm(Form):
    """A fault document: one's own, by a name that steps may use."""

    api_version: Literal["chaosgate.dev/v1alpha1"] = Field(description="The version of this format.")
    kind: Literal["Fault"] = Field(description="What this document is.")
    metadata: Metadata = Field(description="Who it is.")
    spec: FaultSpec = Field(description="What it does.")


class SubscriptionForm(Form):
    """A subscription document."""

    api_version: Literal["chaosgate.dev/v1alpha1"] = Field(description="The version of this format.")
    kind: Literal["Subscription"] = Field(description="What this document is.")
    metadata: Metadata = Field(description="Who it is.")
    spec: SubscriptionSpec = Field(description="What it says.")


class WorkflowForm(Form):
    """A workflow document."""

    api_version: Literal["chaosgate.dev/v1alpha1"] = Field(description="The version of this format.")
    kind: Literal["Workflow"] = Field(description="What this document is.")
    metadata: Metadata = Field(description="Who it is.")
    spec: WorkflowSpec = Field(description="What it says.")
