"""What operators look at: the stage's dashboard, its service level objectives, and alarms of the stores."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from stacks.alerts import AlertsStack
from stacks.config import StageConfig
from stacks.constructs.watched_queue import WatchedQueue, describe_alarm, raise_alarm
from stacks.data_plane import DataPlane
from stacks.functions import FunctionsStack
from stacks.gateway import GatewayStack
from stacks.public_api import PublicApiStack
from stacks.stage_stack import StageStack

_MINUTES = cdk.Duration.minutes
OBJECTIVE = 0.999
"""The share of calls, over 30 days, that must not be answered with a server error."""
_BURNS = ((14.4, _MINUTES(60), _MINUTES(5)), (6.0, _MINUTES(360), _MINUTES(30)))
"""Rates that use 2 % and 5 % of a month's errors up in the long window; the short one ends the alarm soon after the cause ends.

References: Beyer et al., The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts".
"""
_FULL_PERCENT = 80
_SMALLEST_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class ObservedStacks:
    """What is watched."""

    alerts: AlertsStack
    data: DataPlane
    functions: FunctionsStack
    public_api: PublicApiStack
    gateway: GatewayStack


class ObservabilityStack(StageStack):
    """One dashboard, burn-rate alarms of the public API, and alarms of database and prediction log."""

    def __init__(self, scope: Construct, *, config: StageConfig, observed: ObservedStacks) -> None:
        super().__init__(scope, "Observability", config=config, description="Presage: dashboard, objectives, alarms of the stores")
        self.observed = observed
        self.objectives = [self._burn_alarm(*burn) for burn in _BURNS]
        self._watch_stores()
        self._dashboard()

    def _burn_alarm(self, rate: float, long: cdk.Duration, short: cdk.Duration) -> cloudwatch.CompositeAlarm:
        """Return the alarm that both windows see errors `rate` times as often as the objective allows."""
        threshold = rate * (1 - OBJECTIVE)
        name = f"Burn{int(long.to_minutes())}Minutes"
        windows = [
            cloudwatch.Alarm(
                self,
                f"{name}{label}",
                metric=self.observed.gateway.api.metric_server_error(period=period, statistic="Average"),
                threshold=threshold,
                evaluation_periods=1,
                alarm_description=describe_alarm(f"{name}{label}", "public-api#errors-burn-the-budget"),
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            for label, period in (("Long", long), ("Short", short))
        ]
        composite = cloudwatch.CompositeAlarm(
            self,
            name,
            alarm_rule=cloudwatch.AlarmRule.all_of(*windows),
            alarm_description=describe_alarm(name, "public-api#errors-burn-the-budget"),
        )
        composite.add_alarm_action(actions.SnsAction(self.observed.alerts.topic))
        return composite

    def _watch_stores(self) -> None:
        topic, data = self.observed.alerts.topic, self.observed.data
        database, table = data.metadata.instance, data.prediction_log.table
        free = database.metric_free_storage_space(period=_MINUTES(5), statistic="Minimum")
        throttled = table.metric("WriteThrottleEvents", period=_MINUTES(1), statistic="Sum")
        cpu = database.metric_cpu_utilization(period=_MINUTES(5))
        raise_alarm(self, "DatabaseBusy", metric=cpu, threshold=_FULL_PERCENT, runbook="stores#database-busy", topic=topic)
        raise_alarm(self, "LogThrottled", metric=throttled, threshold=1, runbook="stores#prediction-log-throttled", topic=topic)
        full = cloudwatch.Alarm(
            self,
            "DatabaseFull",
            metric=free,
            threshold=_SMALLEST_FREE_BYTES,
            evaluation_periods=1,
            alarm_description=describe_alarm("DatabaseFull", "stores#database-full"),
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        full.add_alarm_action(actions.SnsAction(topic))

    def _dashboard(self) -> cloudwatch.Dashboard:
        rows = [self._objective_row(), self._service_row(), self._queue_row(), self._store_row()]
        name = f"presage-{self.config.name}"
        return cloudwatch.Dashboard(self, "Dashboard", dashboard_name=name, widgets=rows, default_interval=cdk.Duration.hours(12))

    def _objective_row(self) -> list[cloudwatch.IWidget]:
        api = self.observed.gateway.api
        latency = [api.metric_latency(statistic=statistic) for statistic in ("p50", "p95", "p99")]
        return [
            cloudwatch.AlarmStatusWidget(title="Objectives: 99.9 % of calls without a server error", alarms=self.objectives),
            _graph(
                "Calls and refusals",
                [api.metric_count(), api.metric_client_error(statistic="Sum"), api.metric_server_error(statistic="Sum")],
            ),
            _graph("Latency at the gateway", latency),
        ]

    def _service_row(self) -> list[cloudwatch.IWidget]:
        service, balancer = self.observed.public_api.service, self.observed.public_api.balancer
        groups = self.observed.public_api.groups
        journal = self.observed.public_api.journal
        healthy = [group.metrics.healthy_host_count(label=colour) for colour, group in (("blue", groups.blue), ("green", groups.green))]
        return [
            _graph("Public API: CPU and memory", [service.metric_cpu_utilization(), service.metric_memory_utilization()]),
            _graph("Public API: healthy tasks by colour", healthy),
            _graph("Public API: response time", [balancer.metrics.target_response_time(statistic="p99")]),
            _graph("Public API: predictions not handed over", [journal.oldest, journal.waiting, journal.refused, journal.set_aside]),
        ]

    def _queue_row(self) -> list[cloudwatch.IWidget]:
        queues, functions = self.observed.data.queues, self.observed.functions
        watched: list[WatchedQueue] = [queues.records, queues.predictions, queues.assignments, queues.jobs]
        dead = [each.dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum") for each in watched]
        return [
            _graph(
                "Age of the oldest message", [each.queue.metric_approximate_age_of_oldest_message(statistic="Maximum") for each in watched]
            ),
            _graph("Dead letters", dead),
            _graph("Functions: errors", [each.function.metric_errors() for each in functions.all]),
        ]

    def _store_row(self) -> list[cloudwatch.IWidget]:
        data = self.observed.data
        database, table = data.metadata.instance, data.prediction_log.table
        consumed = [table.metric_consumed_read_capacity_units(), table.metric_consumed_write_capacity_units()]
        return [
            _graph("Database: CPU", [database.metric_cpu_utilization()]),
            _graph("Database: connections", [database.metric_database_connections()]),
            _graph("Prediction log: consumed capacity", consumed),
        ]


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=6)
