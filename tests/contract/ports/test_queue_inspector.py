"""`QueueInspector`: one suite over memory and SQS."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.queue_inspector import MemoryQueueInspector
from presage.adapters.sqs.queue_inspector import SqsQueueInspector
from presage.errors import NotFoundError, UnavailableError
from presage.jobs.model import QueueDepth
from presage.jobs.ports import QueueInspector

NAMES = ("records", "jobs")


@dataclass
class Queues:
    port: QueueInspector
    urls: dict[str, str]
    dead_letter_urls: dict[str, str]

    def put(self, name: str, *bodies: str, dead: bool = False) -> None:
        for body in bodies:
            if isinstance(self.port, MemoryQueueInspector):
                queue = self.port.queues[name]
                (queue.dead_letters if dead else queue.waiting).append(body)
            else:
                build_client("sqs").send_message(QueueUrl=(self.dead_letter_urls if dead else self.urls)[name], MessageBody=body)

    def take(self, name: str) -> set[str]:
        """Take all that waits."""
        if isinstance(self.port, MemoryQueueInspector):
            taken, self.port.queues[name].waiting = set(self.port.queues[name].waiting), []
            return taken
        taken = set()
        while found := build_client("sqs").receive_message(QueueUrl=self.urls[name], MaxNumberOfMessages=10).get("Messages"):
            taken |= {message["Body"] for message in found}
        return taken


@pytest.fixture(params=["memory", pytest.param("sqs", marks=pytest.mark.integration)])
def queues(request: pytest.FixtureRequest) -> Iterator[Queues]:
    if request.param == "memory":
        yield Queues(MemoryQueueInspector(*NAMES), {}, {})
        return
    request.getfixturevalue("emulator")
    client, mark = build_client("sqs"), secrets.token_hex(6)
    urls = {name: client.create_queue(QueueName=f"{name}-{mark}")["QueueUrl"] for name in NAMES}
    dead = {name: client.create_queue(QueueName=f"{name}-dead-{mark}")["QueueUrl"] for name in NAMES}
    yield Queues(SqsQueueInspector(client, urls=urls, dead_letter_urls=dead), urls, dead)
    for url in (*urls.values(), *dead.values()):
        client.delete_queue(QueueUrl=url)


def test_every_queue_is_told_by_its_name(queues: Queues) -> None:
    queues.put("records", "a", "b")
    queues.put("records", "c", dead=True)

    assert list(queues.port.list_queues()) == [QueueDepth("jobs", 0, 0, 0), QueueDepth("records", 2, 0, 1)]


def test_dead_letters_of_jobs_go_back_as_they_were(queues: Queues) -> None:
    bodies = {f'{{"job": {number}, "name": "Café"}}' for number in range(13)}
    queues.put("jobs", *sorted(bodies), dead=True)
    queues.put("records", "r", dead=True)

    assert queues.port.redrive_jobs(limit=100) == 13
    assert queues.port.redrive_jobs(limit=100) == 0

    assert list(queues.port.list_queues()) == [QueueDepth("jobs", 13, 0, 0), QueueDepth("records", 0, 0, 1)]
    assert queues.take("jobs") == bodies


def test_no_more_go_back_than_are_asked_for(queues: Queues) -> None:
    queues.put("jobs", *(f"{number}" for number in range(14)), dead=True)

    assert queues.port.redrive_jobs(limit=12) == 12

    (jobs, _) = queues.port.list_queues()
    assert (jobs.waiting, jobs.dead_letters) == (12, 2)


@pytest.mark.integration
def test_messages_that_somebody_has_are_in_flight(emulator: str) -> None:
    assert emulator
    client = build_client("sqs")
    url = client.create_queue(QueueName=f"jobs-{secrets.token_hex(6)}")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="a")
    client.send_message(QueueUrl=url, MessageBody="b", DelaySeconds=60)
    client.receive_message(QueueUrl=url)

    assert list(SqsQueueInspector(client, urls={"jobs": url}, dead_letter_urls={"jobs": url}).list_queues()) == [
        QueueDepth("jobs", 1, 1, 2)
    ]


@pytest.mark.integration
def test_queues_that_do_not_answer_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
    url = {"jobs": "http://127.0.0.1:1/jobs"}
    inspector = SqsQueueInspector(build_client("sqs", attempts=1), urls=url, dead_letter_urls=url)

    with pytest.raises(UnavailableError):
        inspector.list_queues()
    with pytest.raises(UnavailableError):
        inspector.redrive_jobs(limit=1)


def test_a_stage_without_a_jobs_queue_has_nothing_to_redrive() -> None:
    with pytest.raises(NotFoundError):
        SqsQueueInspector(None, urls={}, dead_letter_urls={}).redrive_jobs(limit=1)  # type: ignore[arg-type]
