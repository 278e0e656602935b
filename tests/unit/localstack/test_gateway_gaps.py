import urllib.parse

import pytest

from localstack.gateway_gaps import append_query, locate, map_request, resolve_parameter

KEY_ID = "x-presage-api-key-id"
INTEGRATION = {
    "uri": "http://127.0.0.1:8081/v1/datasets/{dataset}/records",
    "requestParameters": {
        f"integration.request.header.{KEY_ID}": "context.identity.apiKeyId",
        "integration.request.path.dataset": "method.request.path.dataset",
    },
}


def test_the_key_id_replaces_what_the_caller_sent_under_that_name() -> None:
    _uri, headers = map_request(
        INTEGRATION,
        headers={"X-Presage-Api-Key-Id": "forged", "accept": "*/*"},
        path={"dataset": "d"},
        context={"identity.apiKeyId": "real"},
    )

    assert headers == {KEY_ID: "real", "accept": "*/*"}


def test_a_forged_key_id_is_dropped_when_there_is_no_key() -> None:
    _uri, headers = map_request(INTEGRATION, headers={KEY_ID: "forged"}, path={"dataset": "d"}, context={})

    assert headers == {}


def test_a_path_parameter_cannot_leave_its_segment() -> None:
    uri, _headers = map_request(INTEGRATION, headers={}, path={"dataset": "a/../b?c"}, context={})

    assert uri == "http://127.0.0.1:8081/v1/datasets/a%2F..%2Fb%3Fc/records"


def test_headers_of_one_connection_are_not_passed_on() -> None:
    _uri, headers = map_request({"uri": "http://h/"}, headers={"Host": "h", "Connection": "close", "Accept": "a"}, path={}, context={})

    assert headers == {"accept": "a"}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'constant'", "constant"),
        ("method.request.header.Accept", "text/plain"),
        ("method.request.header.Missing", None),
        ("context.requestId", "r-1"),
        ("stageVariables.x", None),
    ],
)
def test_mapping_expressions(source: str, value: str | None) -> None:
    assert resolve_parameter(source, headers={"accept": "text/plain"}, path={}, context={"requestId": "r-1"}) == value


def test_query_parameters_are_added_with_all_their_values() -> None:
    assert append_query("http://h/p?a=1", {"b": ["2", "3 4"]}) == "http://h/p?a=1&b=2&b=3+4"
    assert append_query("http://h/p", {}) == "http://h/p"


def test_a_load_balancer_is_found_by_its_name_on_the_emulators_port() -> None:
    balancer = "internal-api-1.us-east-1.elb.amazonaws.com"

    assert locate(urllib.parse.urlsplit(f"http://{balancer}/v1/predict"), 4566) == ("127.0.0.1", 4566, {"host": balancer})
    assert locate(urllib.parse.urlsplit("http://127.0.0.1:8081/v1/predict"), 4566) == ("127.0.0.1", 8081, {})
