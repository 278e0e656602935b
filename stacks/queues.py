"""The queues between the services."""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.watched_queue import WatchedQueue
from stacks.stage_stack import StageStack

LAND_RECORDS_TIMEOUT = cdk.Duration.seconds(60)
LOG_PREDICTIONS_TIMEOUT = cdk.Duration.seconds(120)
LOAD_ASSIGNMENTS_TIMEOUT = cdk.Duration.seconds(120)
JOB_TIMEOUT = cdk.Duration.hours(1)


class QueuesStack(StageStack):
    """Records, predictions and assignments for the functions, jobs for the worker."""

    def __init__(self, scope: Construct, *, config: StageConfig, topic: sns.ITopic) -> None:
        super().__init__(scope, "Queues", config=config, description="Presage: queues and their dead letters")
        minutes = cdk.Duration.minutes
        self.topic = topic
        self.records = WatchedQueue(self, "Records", consumer_timeout=LAND_RECORDS_TIMEOUT, maximum_age=minutes(15), topic=topic)
        self.predictions = WatchedQueue(self, "Predictions", consumer_timeout=LOG_PREDICTIONS_TIMEOUT, maximum_age=minutes(15), topic=topic)
        self.assignments = WatchedQueue(
            self, "Assignments", consumer_timeout=LOAD_ASSIGNMENTS_TIMEOUT, maximum_age=minutes(30), topic=topic
        )
        self.jobs = WatchedQueue(self, "Jobs", consumer_timeout=JOB_TIMEOUT, maximum_age=cdk.Duration.hours(12), topic=topic)
        self.named = {"records": self.records, "predictions": self.predictions, "assignments": self.assignments, "jobs": self.jobs}
        for name, watched in self.named.items():
            self.export_output(f"{name.title()}QueueUrl", watched.queue.queue_url)
            self.export_output(f"{name.title()}DeadLettersUrl", watched.dead_letters.queue_url)
