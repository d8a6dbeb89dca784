"""The Flask application: put together here from what each address has to say."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask

from gate.model import Gate
from gate.web.delivered import keep_evidence, take_webhooks
from gate.web.errors import answer_errors
from gate.web.health import tell_health
from gate.web.listed import list_all
from gate.web.pages import show_pages
from gate.web.server import LARGEST_BODY
from gate.web.views import Askers, Hearer, Keeper, Readers, Views
from gate.web.waited import answer_waits


def unsigned(gate: Gate, version: str) -> None:
    """Nobody signs."""


def create_app(
    views: Views,
    *,
    askers: Askers | None = None,
    readers: Readers | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    signed: Callable[[Gate, str], str | None] = unsigned,
    hearer: Hearer | None = None,
    keeper: Keeper | None = None,
) -> Flask:
    """The application over these views. With `askers`, jobs have to say who they are, and ask for their own only; with
    `readers`, people and programs that read of everybody's gates have to. `now` decides which overrides stand; `signed`
    gives what is known of a gate's version in an envelope.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    tell_health(app, views)
    list_all(app, views, readers)
    answer_waits(app, views, askers, now=now, signed=signed)
    show_pages(app, views, readers)
    take_webhooks(app, hearer)
    keep_evidence(app, keeper)
    answer_errors(app)
    return app
