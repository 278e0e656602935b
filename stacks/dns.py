"""The domain: hosted zone, mail records, and the certificate of its names."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.findings import acknowledge
from stacks.constructs.logs import build_log_group
from stacks.stage_stack import StageStack

_HOUR = cdk.Duration.hours(1)
_HOME = "us-east-1"
"""Where Route 53 reads signing keys and writes query logs, whatever region the rest is in."""
_WITHOUT_MAIL = ("api",)


class DnsStack(StageStack):
    """The zone is kept when the stack goes: a new one would have new name servers. Deploy it first and delegate the domain to it."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Dns", config=config, description="Presage: domain, mail records, certificate")
        if config.region != _HOME:
            raise ValueError(f"region is {config.region!r}; the domain's signing key and query log must be in {_HOME}, with the rest")
        self.zone = self._zone()
        self._sign()
        self._mail_records()
        self._delegate()
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

    def _zone(self) -> route53.PublicHostedZone:
        """The zone, whose queries are logged: by name, as Route 53 writes only to groups below its own prefix."""
        queries = build_log_group(self, "QueryLog", name=f"/aws/route53/{self.config.domain}")
        queries.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("route53.amazonaws.com")],
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[queries.log_group_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        zone = route53.PublicHostedZone(self, "Zone", zone_name=self.config.domain, query_logs_log_group_arn=queries.log_group_arn)
        zone.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        return zone

    def _sign(self) -> None:
        """Sign the zone. The chain of trust is closed by the DS record at the registrar, by hand (docs/infrastructure.md)."""
        key = kms.Key(
            self,
            "SigningKey",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            description="DNSSEC",
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        acknowledge(key, {"KMS5": "AWS cannot rotate asymmetric keys; a second key-signing key replaces the first by hand."})
        self.zone.enable_dnssec(kms_key=key)

    def _delegate(self) -> None:
        """Hand the subdomains of other stages to their own zones."""
        for name, servers in self.config.delegations.items():
            route53.NsRecord(self, f"Delegate{name.title()}", zone=self.zone, record_name=name, values=list(servers), ttl=_HOUR)

    def _mail_records(self) -> None:
        """Mail of the domain goes through Amazon SES; what does not is refused."""
        domain = self.config.domain
        inbound = route53.MxRecordValue(host_name=name_mail_server(self.config), priority=10)
        sender_policy = ["v=spf1 include:amazonses.com -all"]
        route53.MxRecord(self, "Mx", zone=self.zone, values=[inbound], ttl=_HOUR)
        route53.TxtRecord(self, "Spf", zone=self.zone, values=sender_policy, ttl=_HOUR)
        self.identity = ses.EmailIdentity(  # with its DKIM records, and the MX and SPF records of the bounces' domain
            self, "Identity", identity=ses.Identity.public_hosted_zone(self.zone), mail_from_domain=f"mail.{domain}"
        )
        route53.TxtRecord(self, "TlsReports", zone=self.zone, record_name="_smtp._tls", values=[f"v=TLSRPTv1; rua=mailto:tls@{domain}"])
        for name in _WITHOUT_MAIL:
            nowhere = route53.MxRecordValue(host_name=".", priority=0)
            route53.MxRecord(self, f"NoMail{name.title()}", zone=self.zone, record_name=name, values=[nowhere], ttl=_HOUR)
        route53.TxtRecord(
            self,
            "Dmarc",
            zone=self.zone,
            record_name="_dmarc",
            values=[f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}; adkim=s; aspf=r"],
            ttl=_HOUR,
        )


def name_mail_server(config: StageConfig) -> str:
    """Return the name of the server that takes the domain's mail: Amazon SES in the stage's region."""
    return f"inbound-smtp.{config.region}.amazonaws.com"
