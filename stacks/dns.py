"""The domain: hosted zone, mail records, and the certificate of its names."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from constructs import Construct

from stacks.config import StageConfig
from stacks.stage_stack import StageStack

_HOUR = cdk.Duration.hours(1)


class DnsStack(StageStack):
    """The zone is kept when the stack goes: a new one would have new name servers. Deploy it first and delegate the domain to it."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Dns", config=config, description="Presage: domain, mail records, certificate")
        self.zone = route53.PublicHostedZone(self, "Zone", zone_name=config.domain)
        self.zone.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self._mail_records()
        route53.CaaAmazonRecord(self, "Caa", zone=self.zone, ttl=_HOUR)
        self.certificate = acm.Certificate(
            self,
            "Certificate",
            domain_name=config.domain,
            subject_alternative_names=[f"*.{config.domain}"],
            validation=acm.CertificateValidation.from_dns(self.zone),
        )
        self.export_output("HostedZoneId", self.zone.hosted_zone_id)
        self.export_output("NameServers", cdk.Fn.join(",", self.zone.hosted_zone_name_servers or []))

    def _mail_records(self) -> None:
        """Mail of the domain goes through Amazon SES; what does not is refused."""
        region, domain = self.config.region, self.config.domain
        inbound = route53.MxRecordValue(host_name=f"inbound-smtp.{region}.amazonaws.com", priority=10)
        bounces = route53.MxRecordValue(host_name=f"feedback-smtp.{region}.amazonses.com", priority=10)
        sender_policy = ["v=spf1 include:amazonses.com -all"]
        route53.MxRecord(self, "Mx", zone=self.zone, values=[inbound], ttl=_HOUR)
        route53.TxtRecord(self, "Spf", zone=self.zone, values=sender_policy, ttl=_HOUR)
        route53.MxRecord(self, "BounceMx", zone=self.zone, record_name="mail", values=[bounces], ttl=_HOUR)
        route53.TxtRecord(self, "BounceSpf", zone=self.zone, record_name="mail", values=sender_policy, ttl=_HOUR)
        route53.TxtRecord(
            self,
            "Dmarc",
            zone=self.zone,
            record_name="_dmarc",
            values=[f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}; adkim=s; aspf=r"],
            ttl=_HOUR,
        )
