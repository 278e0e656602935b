"""Mail that goes out: what counts its bounces and complaints, and who may send it."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.watched_queue import raise_alarm
from stacks.dns import DnsStack
from stacks.stage_stack import StageStack

_SET = "ses:configuration-set"
"""The tag that SES itself puts on every mail."""
_HOUR = cdk.Duration.hours(1)
_WATCHED = (("Bounce", "Bounces", 5), ("Complaint", "Complaints", 1), ("Reject", "Rejects", 1))
"""Metric, alarm, and how many an hour raise it."""


class MailStack(StageStack):
    """The configuration set of notifications. The domain's identity, with DKIM, is in the stack of the domain."""

    def __init__(self, scope: Construct, *, config: StageConfig, dns: DnsStack, topic: sns.ITopic) -> None:
        super().__init__(scope, "Mail", config=config, description="Presage: mail that goes out")
        self.sender = f"notifications@{config.domain}"
        self.identity = dns.identity
        self.configuration_set = ses.ConfigurationSet(
            self,
            "Notifications",
            tls_policy=ses.ConfigurationSetTlsPolicy.REQUIRE,
            reputation_metrics=True,
            suppression_reasons=ses.SuppressionReasons.BOUNCES_AND_COMPLAINTS,
        )
        by_set = ses.CloudWatchDimension(source=ses.CloudWatchDimensionSource.MESSAGE_TAG, name=_SET, default_value="none")
        self.configuration_set.add_event_destination(
            "Counts",
            destination=ses.EventDestination.cloud_watch_dimensions([by_set]),
            events=[ses.EmailSendingEvent.BOUNCE, ses.EmailSendingEvent.COMPLAINT, ses.EmailSendingEvent.REJECT],
        )
        for event, alarm, threshold in _WATCHED:
            raise_alarm(self, alarm, metric=self._count(event), threshold=threshold, runbook="mail#bounces-and-complaints", topic=topic)
        self.export_output("MailConfigurationSet", self.configuration_set.configuration_set_name)

    @property
    def variables(self) -> dict[str, str]:
        """What a sender needs to know."""
        return {
            "PRESAGE_MAIL_SENDER": self.sender,
            "PRESAGE_MAIL_CONFIGURATION_SET": self.configuration_set.configuration_set_name,
        }

    def grant_sending(self, role: iam.IRole) -> None:
        """Let `role` send from this one address of the domain."""
        name = f"configuration-set/{self.configuration_set.configuration_set_name}"
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ses:SendEmail"],
                resources=[self.identity.email_identity_arn, self.format_arn(service="ses", resource=name)],
                conditions={"StringEquals": {"ses:FromAddress": self.sender}},
            )
        )

    def _count(self, event: str) -> cloudwatch.Metric:
        dimensions = {_SET: self.configuration_set.configuration_set_name}
        return cloudwatch.Metric(namespace="AWS/SES", metric_name=event, dimensions_map=dimensions, statistic="Sum", period=_HOUR)
