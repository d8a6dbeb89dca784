"""locust: what a locustfile of the author's makes its users do, in a container that has Locust.

Its users wait for answers, so that a slow service is asked less often: `rate` says how often it has to be asked.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from gate.documents.blocks import Url
from gate.documents.units import Rate
from gate.errors import Permanent
from gate.loads.job import ContainerLoad, InAContainer
from gate.running import companions
from gate.running.ports import Surroundings

LONGEST = 100_000
"""Characters of a locustfile: it travels as one variable."""

# In a folder of its own, since its file has to have a name; what follows are the arguments of Locust.
RUN = """d=$(mktemp -d) && printf '%s' "$CHAOS_GATE_LOCUSTFILE" >"$d/locustfile.py" || exit
exec locust -f "$d/locustfile.py" "$@"
"""

TELL = '''

def _chaos_gate():
    """Leaves what was sent, and what was due by the rate that was asked for, when Locust ends."""
    import json
    import os
    import time

    from locust import events

    began = []

    @events.test_start.add_listener
    def begin(environment, **_):
        began.append(time.monotonic())

    @events.quitting.add_listener
    def tell(environment, **_):
        seconds = time.monotonic() - began[0] if began else 0.0
        total = environment.stats.total
        due = int(seconds * float(os.environ["CHAOS_GATE_RATE"]))
        with open("/dev/termination-log", "w") as log:
            json.dump({"due": due, "sent": total.num_requests, "failed": total.num_failures}, log)


_chaos_gate()
'''
"""Follows the author's file, in a function, so that it touches none of its names."""


def _python(script: str) -> str:
    try:
        compile(script, "the script", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} of the script is not Python: {error.msg}") from error
    return script


class Settings(InAContainer):
    """Who does what, and how many of them."""

    script: Annotated[str, AfterValidator(_python)] = Field(
        min_length=1,
        max_length=LONGEST,
        description="The locustfile: Python with at least one class of users.",
        examples=[
            "import locust\n\nclass Guest(locust.HttpUser):\n    @locust.task\n    def buy(self): self.client.get('/')"
        ],
    )
    url: Url = Field(description="The address that paths in the script are added to.")
    users: int = Field(ge=1, le=10_000, description="How many users there are.", examples=[20])
    spawn_rate: Rate = Field(default=100.0, description="How fast they come.")
    rate: Rate = Field(description="How many requests they have to send at least, all together.")


def start(settings: Mapping[str, Any], surroundings: Surroundings) -> ContainerLoad:
    """Raises `Permanent` for a block that does not have the form, and for a container that does not run."""
    try:
        parsed = Settings.model_validate(settings)
    except ValidationError as error:
        raise Permanent(f"the locust load cannot be sent: {error}") from error
    arguments = ["--headless", "--only-summary", "--host", parsed.url, "--users", str(parsed.users)]
    arguments += ["--spawn-rate", f"{parsed.spawn_rate:g}"]
    told = {"CHAOS_GATE_LOCUSTFILE": parsed.script + TELL, "CHAOS_GATE_RATE": f"{parsed.rate:g}"}
    outfit = parsed.outfit(surroundings, ["sh", "-c", RUN, "locust"], arguments, **told)
    return ContainerLoad(companions.begin(surroundings, outfit), counts=True)
