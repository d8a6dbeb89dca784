"""Whatever is asked in whatever order: both grounds say the same. What is found becomes a script of its own.

    CHAOS_GATE_TEST_SCRIPTS_SEED=123 pytest -m cluster tests/differential/test_generated.py

plays those that follow from a seed; without one they are the same each time. CHAOS_GATE_TEST_SCRIPTS=999 plays so many.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.differential.comparing import Pair
from tests.differential.generating import scripts
from tests.differential.player import Script

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("CHAOS_GATE_TEST_SCRIPTS_SEED", "0"))
SCRIPTS = int(os.environ.get("CHAOS_GATE_TEST_SCRIPTS", "200"))


@seed(SEED)
@settings(
    max_examples=SCRIPTS,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(script=scripts())
def test_whatever_is_asked_in_whatever_order(pair: Pair, script: Script) -> None:
    pair.agree_on(*script)
