"""The way to the workers through SQS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from presage.errors import UnavailableError
from presage.jobs.messages import JobMessage
from presage.jobs.model import Job

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient


class SqsJobQueue:
    """`JobQueue` on an SQS queue."""

    def __init__(self, client: SQSClient, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def publish_job(self, job: Job) -> None:
        """Return once the message is durable, or raise `UnavailableError`."""
        message = JobMessage(schema=1, workspace_id=job.workspace_id, job_id=job.job_id, kind=job.kind)
        try:
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=msgspec.json.encode(message).decode())
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"Job {job.job_id} could not be put on the queue: {error}") from error
