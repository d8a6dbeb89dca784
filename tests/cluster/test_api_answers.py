"""What does not come from an API server, or not from a sound one, is an error that may pass, and says nothing."""

import json
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import urllib3
from kubernetes.client import Configuration

from gate.cluster.api import Api
from gate.cluster.mirror import Mirror
from gate.errors import Absent, Temporary

Eventually = Callable[[Callable[[], object]], None]

POD = {"metadata": {"name": "one", "namespace": "shop", "resourceVersion": "1", "uid": "u"}}
NOT_FOUND = {"kind": "Status", "reason": "NotFound", "message": 'pods "one" not found', "metadata": {}}
A_PAGE = b"<html>default backend - 404</html>"
ODD: list[Any] = [{}, [], None, "pods", {"kind": "Status", "status": "Success", "metadata": {}}, {"items": None}]
LISTS: list[Any] = [{"items": what, "metadata": {"resourceVersion": "1"}} for what in ([{}], [None], {"a": POD}, "all")]


class Saying:
    """Answers each request with the same."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status, self.body = status, body

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        retries: bool,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        return urllib3.HTTPResponse(BytesIO(self.body), status=self.status, preload_content=preload_content)


def api(status: int, body: Any) -> Api:
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Api(Configuration(host="http://127.0.0.1:1"), Saying(status, said))


def watched(server: Api) -> list[Any]:
    return list(server.watch("pods", "shop", "1", lasting=timedelta(seconds=1)))


def test_the_server_can_say_that_an_object_is_gone() -> None:
    assert api(404, NOT_FOUND).get("pods", "shop", "one") is None
    assert api(404, NOT_FOUND).delete("pods", "shop", "one", uid="u") is False


@pytest.mark.parametrize("body", [A_PAGE, b"404 page not found\n", b"", {"message": "no route"}])
def test_a_404_that_speaks_of_no_object_does_not_say_that_it_is_gone(body: Any) -> None:
    server = api(404, body)
    with pytest.raises(Temporary):
        server.get("pods", "shop", "one")
    with pytest.raises(Temporary):
        server.patch("pods", "shop", "one", {})
    with pytest.raises(Temporary):
        server.delete("pods", "shop", "one", uid="u")


def test_a_list_of_what_the_server_does_not_know_says_so() -> None:
    with pytest.raises(Absent):
        api(404, b"404 page not found\n").list("rollouts")
    with pytest.raises(Absent):
        watched(api(404, b"404 page not found\n"))


@pytest.mark.parametrize("body", ODD, ids=json.dumps)
def test_an_answer_of_another_form_is_no_object(body: Any) -> None:
    with pytest.raises(Temporary):
        api(200, body).get("pods", "shop", "one")
    with pytest.raises(Temporary):
        api(200, body).create("pods", "shop", {})
    with pytest.raises(Temporary):
        api(200, body).patch("pods", "shop", "one", {})


@pytest.mark.parametrize("body", [*ODD, *LISTS], ids=json.dumps)
def test_an_answer_of_another_form_is_no_list(body: Any) -> None:
    with pytest.raises(Temporary):
        api(200, body).list("pods")


@pytest.mark.parametrize(
    "line", [*ODD, {"type": "ADDED"}, {"type": "ADDED", "object": {}}, {"type": "X", "object": POD}], ids=json.dumps
)
def test_a_line_that_is_no_event_breaks_the_watch(line: Any) -> None:
    with pytest.raises(Temporary):
        watched(api(200, json.dumps(line).encode() + b"\n"))


def test_a_mirror_survives_an_object_that_it_cannot_keep(eventually: Eventually) -> None:
    page = {"items": [POD], "metadata": {"resourceVersion": "1"}}
    mirror = Mirror(api(200, page), "pods", "", lambda item: item["spec"]["nodeName"], lambda _: None)
    stop = threading.Event()
    thread = threading.Thread(target=mirror.run, args=(stop,))
    thread.start()
    eventually(lambda: mirror.problem)
    assert "spec" in mirror.problem
    assert not mirror.synced.is_set()
    assert thread.is_alive()
    stop.set()
    thread.join()
