"""Whatever is asked in whatever order: both grounds say the same. What is found becomes a script of its own."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.differential.comparing import Pair
from tests.differential.generating import scripts
from tests.differential.player import Script

pytestmark = pytest.mark.cluster


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(script=scripts())
def test_whatever_is_asked_in_whatever_order(pair: Pair, script: Script) -> None:
    pair.agree_on(*script)
