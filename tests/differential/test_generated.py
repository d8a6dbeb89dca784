"""Whatever is asked in whatever order: both grounds say the same. What is found becomes a script of its own.

    CHAOS_GATE_TEST_SCRIPTS_SEED=123 pytest -m cluster tests/differential/test_generated.py

plays those that follow from a seed; without one they are the same each time. CHAOS_GATE_TEST_SCRIPTS=999 plays so many.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.differential.comparing import Pair
from tests.differential.generating import scripts
from tests.differential.guarding import evictions
from tests.differential.player import Script

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("CHAOS_GATE_TEST_SCRIPTS_SEED", "0"))
SCRIPTS = int(os.environ.get("CHAOS_GATE_TEST_SCRIPTS", "200"))


def _made_up(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@seed(SEED)
@_made_up(SCRIPTS)
@given(script=scripts())
def test_whatever_is_asked_in_whatever_order(pair: Pair, script: Script) -> None:
    pair.agree_on(*script)


@seed(SEED)
@_made_up(max(1, SCRIPTS // 10))  # each has to wait for its pods
@given(script=evictions())
def test_whatever_is_evicted_under_whatever_budgets(pair: Pair, script: Script) -> None:
    pair.agree_on(*script)
