"""Queues that are watched: each with its dead letters, encryption, a TLS-only policy and alarms."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

MAXIMUM_RECEIVES = 5
VISIBILITY_FACTOR = 6
DEAD_LETTER_RETENTION = cdk.Duration.days(14)
_MINUTE = cdk.Duration.minutes(1)


def raise_alarm(
    scope: Construct, construct_id: str, *, metric: cloudwatch.IMetric, threshold: float, runbook: str, topic: sns.ITopic
) -> cloudwatch.Alarm:
    """Notify `topic` when `metric` reaches `threshold` in one of its periods; no data is no alarm.

    The notification names the section `runbook` of the runbooks (`<file>#<section>`), which says what to do.
    """
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        alarm_description=describe_alarm(construct_id, runbook),
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm


def describe_alarm(name: str, runbook: str) -> str:
    """Return an alarm's description: its name, and where the runbook says what to do."""
    file, _, section = runbook.partition("#")
    return f"{name}. What to do: docs/runbooks/{file}.md#{section}"


class DeadLetterQueue(Construct):
    """Where messages end that nobody could process, kept for 14 days; the first one raises an alarm."""

    def __init__(self, scope: Construct, construct_id: str, *, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=DEAD_LETTER_RETENTION,
        )
        waiting = self.queue.metric_approximate_number_of_messages_visible(period=_MINUTE, statistic="Maximum")
        raise_alarm(self, "Alarm", metric=waiting, threshold=1, runbook="queues#dead-letters", topic=topic)


class WatchedQueue(Construct):
    """A queue whose failures end in a dead-letter queue, and whose age raises an alarm."""

    def __init__(
        self, scope: Construct, construct_id: str, *, consumer_timeout: cdk.Duration, maximum_age: cdk.Duration, topic: sns.ITopic
    ) -> None:
        """Take the consumer's longest run; messages stay invisible six times as long."""
        super().__init__(scope, construct_id)
        self.dead_letters = DeadLetterQueue(self, "DeadLetters", topic=topic).queue
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=cdk.Duration.seconds(VISIBILITY_FACTOR * consumer_timeout.to_seconds()),
            receive_message_wait_time=cdk.Duration.seconds(20),
            retention_period=cdk.Duration.days(4),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAXIMUM_RECEIVES),
        )
        age = self.queue.metric_approximate_age_of_oldest_message(period=_MINUTE, statistic="Maximum")
        raise_alarm(self, "AgeAlarm", metric=age, threshold=maximum_age.to_seconds(), runbook="queues#messages-wait", topic=topic)
