"""Where alarms go."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.config import StageConfig
from stacks.stage_stack import StageStack

_SENDERS = ("cloudwatch", "budgets", "costalerts")


class AlertsStack(StageStack):
    """One encrypted, TLS-only topic that every alarm of the stage notifies."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Alerts", config=config, description="Presage: where alarms go")
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        for service in _SENDERS:
            sender = iam.ServicePrincipal(f"{service}.amazonaws.com")
            key.grant(sender, "kms:Decrypt", "kms:GenerateDataKey*")
            self.topic.grant_publish(sender)
        if config.alarm_email:
            self.topic.add_subscription(subscriptions.EmailSubscription(config.alarm_email))
        self.export_output("AlarmTopic", self.topic.topic_arn)
