"""The ways to production, one file each: what GitLab is asked and told until the verdict is there, and then."""

from collections.abc import Mapping

from gate.gitlab.promotion import approve, check, play, trigger
from gate.gitlab.promotion.steps import Promoting
from gate.model import Way

WAYS: Mapping[Way, Promoting] = {
    Way.PLAY: play.Play(),
    Way.APPROVE: approve.Approve(),
    Way.CHECK: check.Check(),
    Way.TRIGGER: trigger.Trigger(),
}
