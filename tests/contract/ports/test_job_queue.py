"""`JobQueue`: the message is on the queue when the call returns, in memory and in SQS."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.job_queue import MemoryJobQueue
from presage.adapters.sqs.job_queue import SqsJobQueue
from presage.errors import UnavailableError
from presage.jobs.ports import JobQueue
from tests.fixtures.metadata_rows import make_job


@dataclass
class Queue:
    port: JobQueue
    url: str | None = None

    def receive(self) -> dict[str, object]:
        if isinstance(self.port, MemoryJobQueue):
            job = self.port.published.pop()
            return {"schema": 1, "workspace_id": job.workspace_id, "job_id": job.job_id, "kind": job.kind}
        answer = build_client("sqs").receive_message(QueueUrl=self.url or "", WaitTimeSeconds=5)
        content: dict[str, object] = json.loads(answer["Messages"][0]["Body"])
        return content


@pytest.fixture(params=["memory", pytest.param("sqs", marks=pytest.mark.integration)])
def queue(request: pytest.FixtureRequest) -> Iterator[Queue]:
    if request.param == "memory":
        yield Queue(MemoryJobQueue())
        return
    request.getfixturevalue("emulator")
    client = build_client("sqs")
    url = client.create_queue(QueueName=f"jobs-{secrets.token_hex(6)}")["QueueUrl"]
    yield Queue(SqsJobQueue(client, url), url)
    client.delete_queue(QueueUrl=url)


def test_the_message_names_the_job_and_nothing_else(queue: Queue, workspace_id: str) -> None:
    job = make_job(workspace_id)

    queue.port.publish_job(job)

    assert queue.receive() == {"schema": 1, "workspace_id": workspace_id, "job_id": job.job_id, "kind": "analyse_experiment"}


@pytest.mark.integration
def test_a_queue_that_is_not_there_is_unavailable(emulator: str, workspace_id: str) -> None:
    queue = SqsJobQueue(build_client("sqs"), f"{emulator}/000000000000/nowhere")

    with pytest.raises(UnavailableError):
        queue.publish_job(make_job(workspace_id))
