"""Metrics and alarms of the prediction journal, made from the lines that its processes log."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.watched_queue import raise_alarm

OLDEST_SECONDS = 60
_MINUTE = Duration.minutes(1)


class JournalWatch(Construct):
    """How long the oldest prediction of any task waits to be handed over, what waits, what was set aside or found no room."""

    def __init__(self, scope: Construct, construct_id: str, *, log_group: logs.LogGroup, namespace: str, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self._log_group, self._namespace = log_group, namespace
        reports = logs.FilterPattern.string_value("$.message", "=", "journal")
        self.oldest = self._metric("OldestSeconds", reports, value="$.oldest_seconds", statistic="Maximum")
        self.waiting = self._metric("UnshippedBytes", reports, value="$.unshipped_bytes", statistic="Maximum")
        self.set_aside = self._metric("SetAsideCalls", reports, value="$.set_aside", statistic="Sum")
        refusals = logs.FilterPattern.all(
            logs.FilterPattern.string_value("$.message", "=", "request failed"),
            logs.FilterPattern.string_value("$.code", "=", "journal_full"),
        )
        self.refused = self._metric("RefusedCalls", refusals, value="1", statistic="Sum")
        raise_alarm(self, "Behind", metric=self.oldest, threshold=OLDEST_SECONDS, runbook="public-api#predictions-wait", topic=topic)
        raise_alarm(self, "SetAside", metric=self.set_aside, threshold=1, runbook="public-api#calls-set-aside", topic=topic)
        raise_alarm(self, "Full", metric=self.refused, threshold=1, runbook="public-api#predictions-wait", topic=topic)

    def _metric(self, name: str, pattern: logs.IFilterPattern, *, value: str, statistic: str) -> cloudwatch.Metric:
        found = logs.MetricFilter(
            self,
            name,
            log_group=self._log_group,
            filter_pattern=pattern,
            metric_namespace=self._namespace,
            metric_name=f"Journal{name}",
            metric_value=value,
        )
        return found.metric(period=_MINUTE, statistic=statistic)
