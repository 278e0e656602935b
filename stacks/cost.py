"""What the stage may cost: a budget, and an alarm for days that cost unlike the days before."""

from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as cost_explorer
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import StageConfig
from stacks.stage_stack import StageStack

_NOTICES = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
_SMALLEST_ANOMALY_SHARE = 0.02
"""Of the monthly budget: what a day may cost more than expected before anybody is told."""


class CostStack(StageStack):
    """Both look at what carries the stage's tag; the account must activate the tags `stage` and `app` for cost allocation once."""

    def __init__(self, scope: Construct, *, config: StageConfig, topic: sns.ITopic) -> None:
        super().__init__(scope, "Cost", config=config, description="Presage: budget and cost anomalies")
        self.topic = topic
        self._budget()
        self._anomalies()

    def _budget(self) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="SNS", address=self.topic.topic_arn)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=f"presage-{self.config.name}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=self.config.monthly_budget_usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:stage${self.config.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        comparison_operator="GREATER_THAN", notification_type=kind, threshold=percent, threshold_type="PERCENTAGE"
                    ),
                    subscribers=[subscriber],
                )
                for kind, percent in _NOTICES
            ],
        )

    def _anomalies(self) -> None:
        stage = {"Tags": {"Key": "stage", "MatchOptions": ["EQUALS"], "Values": [self.config.name]}}
        monitor = cost_explorer.CfnAnomalyMonitor(
            self,
            "Monitor",
            monitor_name=f"presage-{self.config.name}",
            monitor_type="CUSTOM",
            monitor_specification=self.to_json_string(stage),
        )
        least = str(max(1, round(self.config.monthly_budget_usd * _SMALLEST_ANOMALY_SHARE)))
        impact = {"Key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE", "MatchOptions": ["GREATER_THAN_OR_EQUAL"], "Values": [least]}
        cost_explorer.CfnAnomalySubscription(
            self,
            "Subscription",
            subscription_name=f"presage-{self.config.name}",
            frequency="IMMEDIATE",
            monitor_arn_list=[monitor.attr_monitor_arn],
            subscribers=[cost_explorer.CfnAnomalySubscription.SubscriberProperty(type="SNS", address=self.topic.topic_arn)],
            threshold_expression=self.to_json_string({"Dimensions": impact}),
        )
