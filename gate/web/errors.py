"""What does not work, in JSON; and what every answer says to a browser."""

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from gate.errors import Denied, Permanent, Temporary
from gate.web.asked import BadQuestion


def answer_errors(app: Flask) -> None:
    """Every error is JSON, and a browser runs nothing that an answer may carry."""

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.errorhandler(BadQuestion)
    def bad_question(error: BadQuestion) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 400

    @app.errorhandler(Denied)
    def denied(error: Denied) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 403

    @app.errorhandler(Temporary)
    def later(error: Temporary) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 503

    @app.errorhandler(Permanent)
    def impossible(error: Permanent) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 422

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int, dict[str, str]]:
        """A name and a password are asked for where nobody has said who he is."""
        asks = {name: value for name, value in error.get_headers() if name.lower() == "www-authenticate"}
        return jsonify({"error": error.description}), error.code or 500, asks


def no_store(response: Response) -> Response:
    """For now only: nobody on the way may keep it."""
    response.headers["Cache-Control"] = "no-store"
    return response
