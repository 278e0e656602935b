"""Whoever waits for another gives up after it, not before."""

from lambdas.load_assignments.bootstrap import STATEMENT_SECONDS
from lambdas.rotate_database_password import bootstrap as rotation
from presage.adapters.client import CONNECT_TIMEOUT_SECONDS, MAX_ATTEMPTS
from presage.adapters.dynamo import connection, prediction_log
from presage.adapters.sqs import batch_sender
from presage.adapters.sqs.group_commit import GroupLimits
from presage.predictions.shipping import DRAIN_SECONDS
from services.public_api import __main__ as whole
from services.public_api import bootstrap_shipper, serve
from services.public_api.bootstrap import READ_TIMEOUT_SECONDS, STAGING_ATTEMPTS
from stacks.constructs.password_rotation import TIMEOUT as ROTATION_TIMEOUT
from stacks.public_api import STOP_SECONDS
from stacks.queues import LOAD_ASSIGNMENTS_TIMEOUT, LOG_PREDICTIONS_TIMEOUT

GATEWAY_SECONDS = 29
"""The longest that API Gateway waits for an integration."""


def test_a_statement_is_given_up_before_its_function_is() -> None:
    assert LOAD_ASSIGNMENTS_TIMEOUT.to_seconds() > STATEMENT_SECONDS


def test_records_are_given_up_before_the_gateway_gives_up_the_call() -> None:
    one_attempt = CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS
    staging = STAGING_ATTEMPTS * one_attempt + 1
    sending = batch_sender.SEND_SECONDS + 1 + CONNECT_TIMEOUT_SECONDS + batch_sender.READ_TIMEOUT_SECONDS
    assert staging + GroupLimits().waiting_seconds + sending < GATEWAY_SECONDS


def test_the_public_api_gives_sqs_up_before_the_gateway_gives_up_the_call() -> None:
    longest_pauses = sum(2**attempt for attempt in range(MAX_ATTEMPTS - 1))
    assert MAX_ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS) + longest_pauses < GATEWAY_SECONDS


def one_call_to_dynamodb() -> float:
    return (1 + connection.RETRIES) * (connection.CONNECT_TIMEOUT_SECONDS + connection.READ_TIMEOUT_SECONDS) + 1


def test_the_public_api_gives_dynamodb_up_before_the_gateway_gives_up_the_call() -> None:
    assert one_call_to_dynamodb() < GATEWAY_SECONDS


def test_a_batch_of_predictions_is_given_up_before_its_function_is() -> None:
    assert prediction_log.PUT_SECONDS + one_call_to_dynamodb() < LOG_PREDICTIONS_TIMEOUT.to_seconds()


def test_a_stopped_task_has_time_for_its_last_requests_and_for_what_they_wrote_down() -> None:
    one_group = 3 * bootstrap_shipper.ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + bootstrap_shipper.READ_TIMEOUT_SECONDS)
    assert serve.DRAIN_SECONDS < whole.SERVER_SECONDS
    assert DRAIN_SECONDS + one_group < whole.SHIPPER_SECONDS
    assert whole.SERVER_SECONDS + whole.SHIPPER_SECONDS < STOP_SECONDS


def test_a_rotation_gives_a_call_up_before_its_function_is() -> None:
    longest_pauses = sum(2**attempt for attempt in range(MAX_ATTEMPTS - 1))
    one_call = MAX_ATTEMPTS * (CONNECT_TIMEOUT_SECONDS + rotation.READ_TIMEOUT_SECONDS) + longest_pauses
    assert one_call < ROTATION_TIMEOUT.to_seconds()
