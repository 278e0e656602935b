"""Feeds the prediction log's function from its queue, as Lambda's event source mapping does: `python -m tests.integration.chaos.consumer`.

What the function reports as failed stays on the queue and comes again; the queue's client is not behind a proxy, as Lambda's is not ours.
"""

import logging
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.log_predictions.handler import handle

WAIT_SECONDS = 1
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]  # noqa: TID251 - the emulator itself
QUEUE = os.environ["PRESAGE_PREDICTIONS_QUEUE_URL"]  # noqa: TID251 - of the service's settings


def main() -> None:
    queue = boto3.client("sqs", endpoint_url=ENDPOINT, config=Config(retries={"total_max_attempts": 1}))
    while True:
        try:
            received = queue.receive_message(QueueUrl=QUEUE, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT_SECONDS, VisibilityTimeout=5)
            consume(queue, received.get("Messages", []))
        except (BotoCoreError, ClientError):
            logging.getLogger(__name__).exception("the queue did not answer")
            time.sleep(WAIT_SECONDS)


def consume(queue, messages) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - botocore's own
    if not messages:
        return
    event = {"Records": [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]}
    failed = {failure["itemIdentifier"] for failure in handle(event, None)["batchItemFailures"]}
    for message in messages:
        if message["MessageId"] not in failed:
            queue.delete_message(QueueUrl=QUEUE, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main()
