"""The address of the API server, as it is shown."""

import pytest
from kubernetes.client import Configuration

from gate.cluster.api import Api
from gate.errors import Temporary


def test_a_password_in_the_address_is_in_no_message() -> None:
    api = Api(Configuration(host="http://token:s3cret@127.0.0.1:1/prefix"))
    with pytest.raises(Temporary, match=r"http://127\.0\.0\.1:1/prefix/api") as raised:
        api.get("pods", "shop", "one")
    assert "s3cret" not in str(raised.value) + api.host
