"""The form of the administrators' document: how far chaos may go. Every field, its type and what it means."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from gate.documents.forms import Form, Metadata, Name
from gate.documents.units import Lasting, WholePercent

Pattern = Annotated[str, Field(min_length=1, max_length=253, examples=["shop-*"])]
"""A text in which `*` stands for anything and `?` for one letter."""
Subject = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[^'\\\s][^'\\\n]*$")]
"""A person or a group, by the name that the API server knows."""
Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
LAST_YEAR = 9000
"""Of a freeze: times near the end of the calendar cannot be reckoned with."""
DAYS: tuple[Day, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", examples=["09:00"])]
Address = Annotated[str, Field(pattern=r"^https?://\S+$", examples=["http://prometheus.monitoring:9090"])]


def zone_of(name: str) -> str:
    """The name, if this machine knows such a time zone; raises ValueError."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'"{name}" is no time zone that is known here, such as Europe/Berlin') from None
    return name


class NamespacesForm(Form):
    """Where chaos may be at all."""

    opt_in: bool = Field(
        default=True, description="Whether a namespace must bear the label `chaosgate.dev/chaos=allowed`."
    )
    protected: list[Pattern] = Field(
        default=[],
        description="Patterns of namespaces that are never hit, beside those of the cluster, the gate and GitLab.",
        examples=[["payments-prod"]],
    )


class OwnershipForm(Form):
    """What the documents of a team may target; whatever one such rule grants is granted."""

    team: Name = Field(description="The team's name.", examples=["payments"])
    paths: list[Pattern] = Field(
        min_length=1,
        description="Patterns of the team's documents in the catalogue.",
        examples=[["subscriptions/payments/*"]],
    )
    namespaces: list[Pattern] = Field(min_length=1, description="Namespaces that they may target.")
    workloads: list[Pattern] = Field(default=["*"], description="Names of the workloads there.")
    faults: list[Pattern] = Field(default=["*"], description="Kinds of faults.", examples=[["pod-*"]])
    accounts: list[Pattern] = Field(
        default=["*"],
        description="Service accounts that may execute it, and those that it names.",
        examples=[["chaos-gate-executor"]],
    )


class LimitForm(Form):
    """How far faults may go. Every rule that is about a fault there holds."""

    faults: list[Pattern] = Field(default=["*"], min_length=1, description="The kinds of faults it is about.")
    namespaces: list[Pattern] = Field(default=["*"], min_length=1, description="The namespaces it is about.")
    allowed: bool = Field(default=True, description="Whether they may be used at all.")
    pods: int | None = Field(default=None, ge=0, description="The most pods of a workload at once.", examples=[1])
    percent: WholePercent | None = Field(
        default=None,
        description="The largest share of its ready pods. With `pods` in the same rule the larger one counts.",
        examples=["34%"],
    )
    time: Lasting | None = Field(default=None, description="The longest that a fault is held.", examples=["5m"])
    leave_ready: int | None = Field(default=None, ge=0, description="So many ready pods have to be left.", examples=[2])
    nodes: list[Pattern] = Field(
        default=[], description="Nodes that may be hit themselves; none unless said.", examples=[["pool-chaos-*"]]
    )
    zones: list[Pattern] = Field(
        default=[], description="Zones in which something may be hit; all if left out.", examples=[["eu-1a"]]
    )


class WindowForm(Form):
    """A time of the week; one that ends before it begins goes on into the next day."""

    days: list[Day] = Field(
        default=list(DAYS), min_length=1, description="Days on which it begins.", examples=[["Mon", "Tue"]]
    )
    start: TimeOfDay = Field(default="00:00", alias="from", description="When it begins.")
    end: TimeOfDay = Field(default="24:00", alias="to", description="When it is over.", examples=["17:00"])

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.start in {self.end, "24:00"}:
            raise ValueError(f"from {self.start} to {self.end} is no time at all")
        return self


class HolidaysForm(Form):
    """Public holidays, as the Python package `holidays` knows them."""

    country: str = Field(pattern=r"^[A-Z]{2,3}$", description="ISO code of the country.", examples=["DE"])
    subdivision: str | None = Field(default=None, description="Of a part of it.", examples=["BY"])


class FreezeForm(Form):
    """A time in which nothing begins."""

    start: str = Field(alias="from", description="Date or time at which it begins.", examples=["2026-12-20"])
    end: str = Field(alias="to", description="When it is over; a date is over with its day.", examples=["2027-01-04"])
    why: str = Field(default="a freeze", description="For those who have to wait.", examples=["the end of the year"])

    @field_validator("start", "end")
    @classmethod
    def _is_time(cls, text: str) -> str:
        if datetime.fromisoformat(text).year > LAST_YEAR:
            raise ValueError(f"is later than the year {LAST_YEAR}, and cannot be reckoned with")
        return text

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        start, end = datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)
        if len(self.end) == len("2026-12-24"):
            end += timedelta(days=1)
        if (start.tzinfo is None) != (end.tzinfo is None):  # which of them is first depends on the policy's zone
            start, end = (datetime.fromisoformat(each[:10]) for each in (self.start, self.end))
            end += timedelta(days=1)
        if end <= start:
            raise ValueError(f"ends at {self.end}, when or before it begins")
        return self


class NotDuringForm(Form):
    """Nothing begins while one of these alerts fires. If nobody can say whether it does, nothing begins either."""

    prometheus: Address | None = Field(default=None, description="The address of Prometheus.")
    alertmanager: Address | None = Field(
        default=None, description="Instead: that of Alertmanager.", examples=["http://alertmanager.monitoring:9093"]
    )
    alerts: list[Pattern] = Field(
        default=["*"], min_length=1, description="Names of alerts.", examples=[["CheckoutDown"]]
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.prometheus is None) == (self.alertmanager is None):
            raise ValueError("must have either prometheus or alertmanager")
        return self


class MandatoryForm(Form):
    """A workflow that must have been passed within some time; until it has, nothing else begins on that workload."""

    workflow: Name = Field(description="Its name.", examples=["survives-pod-loss"])
    within: Lasting = Field(description="How long ago it may have been passed.", examples=["7d"])
    namespaces: list[Pattern] = Field(
        default=["*"], min_length=1, description="The namespaces of the workloads.", examples=[["shop-*"]]
    )


class WhenForm(Form):
    """At what times something may begin."""

    windows: list[WindowForm] | None = Field(
        default=None,
        description="Times of the week; left out, working hours: Monday to Friday, 09:00 to 17:00.",
        examples=[[{"days": ["Mon", "Tue", "Wed", "Thu"], "from": "09:00", "to": "16:00"}]],
    )
    holidays: list[HolidaysForm] = Field(
        default=[], description="Public holidays on which nothing begins.", examples=[[{"country": "DE"}]]
    )
    dates: list[date] = Field(default=[], description="Other such days.", examples=[["2026-12-24"]])
    freezes: list[FreezeForm] = Field(
        default=[],
        description="Longer times in which nothing begins.",
        examples=[[{"from": "2026-12-20", "to": "2027-01-04"}]],
    )
    gitlab_freezes: bool = Field(
        default=False,
        description="Whether nothing begins in a freeze period of the GitLab project that a subscription names.",
    )
    not_during: list[NotDuringForm] = Field(
        default=[],
        description="Alerts during which nothing begins.",
        examples=[[{"prometheus": "http://prometheus.monitoring:9090"}]],
    )
    minimum_interval: Lasting | None = Field(
        default=None, description="How long a workload is left in peace after a run.", examples=["1h"]
    )

    mandatory: list[MandatoryForm] = Field(
        default=[],
        description="Workflows that must have been passed within so many days before anything else begins.",
        examples=[[{"workflow": "survives-pod-loss", "within": "7d"}]],
    )

    @field_validator("dates", mode="before")
    @classmethod
    def _days(cls, dates: Any) -> Any:
        return [date.fromisoformat(each) if isinstance(each, str) else each for each in dates]


class ImagesForm(Form):
    """Images that documents of the catalogue may name."""

    registries: list[Pattern] = Field(
        min_length=1, description="Patterns of image names.", examples=[["registry.example.org/chaos/*"]]
    )
    privileged: list[Pattern] = Field(
        default=[],
        description="Patterns of those that a `job` may run privileged; none unless said.",
        examples=[["registry.example.org/chaos/netem:*"]],
    )


class PeopleForm(Form):
    """Who may do what by hand; everybody here may look."""

    role: Literal["viewer", "developer", "sre", "administrator"] = Field(
        description="What they are.", examples=["developer"]
    )
    team: Name | None = Field(
        default=None, description="Of developers: the team of `ownership` whose namespaces are theirs."
    )
    groups: list[Subject] = Field(default=[], description="Groups, as Kubernetes knows them.", examples=[["payments"]])
    users: list[Subject] = Field(default=[], description="Single people.", examples=[["jane@example.org"]])
    may: list[Literal["run", "abort", "override", "mode"]] | None = Field(
        default=None,
        description="What they may beside looking; left out, a developer may run and abort, an SRE and an "
        "administrator everything, a viewer nothing.",
        examples=[["run", "abort"]],
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.groups and not self.users:
            raise ValueError("must name groups or users")
        if (self.role == "developer") != (self.team is not None):
            raise ValueError("must have a team if the role is developer, and none if it is another one")
        if self.team and "mode" in (self.may or ()):
            raise ValueError("must not give a team the mode, which is everybody's")
        return self


class PolicySpec(Form):
    """What is left out is as safe as without a policy."""

    time_zone: str = Field(default="UTC", description="The zone of all times here.", examples=["Europe/Berlin"])
    namespaces: NamespacesForm = Field(default=NamespacesForm(), description="Which namespaces may be hit at all.")
    ownership: list[OwnershipForm] = Field(
        default=[],
        description="Whose documents may target what; left out, whoever writes into the catalogue.",
        examples=[[{"team": "payments", "paths": ["subscriptions/payments/*"], "namespaces": ["shop-*"]}]],
    )
    blast_radius: list[LimitForm] | None = Field(
        default=None,
        min_length=1,
        description="How far faults may go; left out, one pod or 34%. `job` has to be named, `*` does not.",
        examples=[[{"pods": 1, "percent": "34%", "time": "5m"}]],
    )
    when: WhenForm = Field(default=WhenForm(), description="When something may begin.", examples=[{}])
    images: ImagesForm | None = Field(default=None, description="Images that documents may name; left out, none.")
    people: list[PeopleForm] = Field(
        default=[],
        description="Who may do what by hand, for `chaos-gate policy rights`; left out, whom Kubernetes lets.",
        examples=[[{"role": "developer", "team": "payments", "groups": ["payments"]}]],
    )

    @model_validator(mode="after")
    def _known_teams(self) -> Self:
        teams = {rule.team for rule in self.ownership}
        if lost := sorted({each.team for each in self.people if each.team and each.team not in teams}):
            raise ValueError(f"names people of {', '.join(lost)}, and no rule of ownership is about that team")
        return self

    @field_validator("time_zone")
    @classmethod
    def _zone(cls, name: str) -> str:
        return zone_of(name)


class PolicyForm(Form):
    """A policy document. It lives with the administrators, and a gate passes it over in a catalogue."""

    api_version: Literal["chaosgate.dev/v1alpha1"] = Field(description="The version of this format.")
    kind: Literal["Policy"] = Field(description="What this document is.")
    metadata: Metadata = Field(description="Who it is.")
    spec: PolicySpec = Field(description="What it says.")
