"""The nouns of the embedded GitLab: what a project has, with nothing that acts."""

from gate.sandbox.gitlab.model.deployments import (
    Approval,
    ApprovalRule,
    Deployment,
    Environment,
    FreezePeriod,
    ProtectedEnvironment,
)
from gate.sandbox.gitlab.model.hooks import Delivery, Hook
from gate.sandbox.gitlab.model.merging import CheckResponse, MergeRequest, Note, StatusCheck
from gate.sandbox.gitlab.model.people import Access, Group, Role, Token, User
from gate.sandbox.gitlab.model.pipelines import CHILD, EXTERNAL_STAGE, FINISHED, MERGE_REQUEST, Pipeline, Row
from gate.sandbox.gitlab.model.projects import DEFAULTS, Project, ProtectedBranch, Setting, Trigger, Variable

__all__ = [
    "CHILD",
    "DEFAULTS",
    "EXTERNAL_STAGE",
    "FINISHED",
    "MERGE_REQUEST",
    "Access",
    "Approval",
    "ApprovalRule",
    "CheckResponse",
    "Delivery",
    "Deployment",
    "Environment",
    "FreezePeriod",
    "Group",
    "Hook",
    "MergeRequest",
    "Note",
    "Pipeline",
    "Project",
    "ProtectedBranch",
    "ProtectedEnvironment",
    "Role",
    "Row",
    "Setting",
    "StatusCheck",
    "Token",
    "Trigger",
    "User",
    "Variable",
]
