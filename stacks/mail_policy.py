"""MTA-STS: senders that honour it give mail for the domain to its own servers over TLS, or not at all (RFC 8461)."""

import hashlib

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.constructs.findings import acknowledge
from stacks.constructs.logs import build_log_group
from stacks.dns import DnsStack, name_mail_server
from stacks.gateway import GatewayStack
from stacks.stage_stack import StageStack

PATH = "/.well-known/mta-sts.txt"
_MAXIMUM_AGE = cdk.Duration.days(7)
_CALLS_PER_SECOND = 50
_PUBLIC = "The policy is a public text of five lines that every sender reads without a key; it is answered by the gateway itself."


class MailPolicyStack(StageStack):
    """`https://mta-sts.<domain>/.well-known/mta-sts.txt`, answered by a gateway with nothing behind it, and the record that announces it.

    Deployed after the public API's gateway, which sets the account's role for logs.
    """

    def __init__(self, scope: Construct, *, config: StageConfig, dns: DnsStack, gateway: GatewayStack) -> None:
        super().__init__(scope, "MailPolicy", config=config, description="Presage: policy for senders of mail")
        self.add_dependency(gateway, "The account's role for logs of API Gateway.")
        self.policy = build_policy(name_mail_server(config))
        self.api = self._api()
        self._answer()
        self._add_domain(dns)
        version = hashlib.sha256(self.policy.encode()).hexdigest()[:32]  # senders fetch the policy again when it changes
        route53.TxtRecord(self, "Announcement", zone=dns.zone, record_name="_mta-sts", values=[f"v=STSv1; id={version}"])
        self.export_output("MailPolicyUrl", f"https://mta-sts.{config.domain}{PATH}")
        self.export_output("MailPolicyApiId", self.api.rest_api_id)

    def _api(self) -> apigateway.RestApi:
        log = '{"request_id":"$context.requestId","time":"$context.requestTimeEpoch","status":"$context.status"}'
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"presage-{self.config.name}-mail-policy",
            description="MTA-STS policy",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=self.config.name,
                access_log_destination=apigateway.LogGroupLogDestination(build_log_group(self, "AccessLogs")),
                access_log_format=apigateway.AccessLogFormat.custom(log),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                throttling_rate_limit=_CALLS_PER_SECOND,
                throttling_burst_limit=_CALLS_PER_SECOND,
            ),
        )
        acknowledge(api, dict.fromkeys(("APIG2", "APIG3", "APIG4", "COG4"), _PUBLIC))
        accept_rule(api, dict.fromkeys(("API-KEYS", "API-FIREWALL", "API-PLANS"), _PUBLIC))
        return api

    def _answer(self) -> None:
        """Let the gateway say the policy. Its templates read `$` and `#` as its own, neither of which a policy holds."""
        content_type = "method.response.header.Content-Type"
        answer = apigateway.MockIntegration(
            request_templates={"application/json": '{"statusCode": 200}'},
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="200",
                    response_parameters={content_type: "'text/plain; charset=utf-8'"},
                    response_templates={"application/json": self.policy},
                )
            ],
        )
        response = apigateway.MethodResponse(status_code="200", response_parameters={content_type: True})
        self.api.root.resource_for_path(PATH).add_method("GET", answer, method_responses=[response])

    def _add_domain(self, dns: DnsStack) -> None:
        domain = apigateway.DomainName(
            self,
            "Domain",
            domain_name=f"mta-sts.{self.config.domain}",
            certificate=dns.certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        domain.add_base_path_mapping(self.api, stage=self.api.deployment_stage)
        target = route53.RecordTarget.from_alias(targets.ApiGatewayDomain(domain))
        route53.ARecord(self, "Alias", zone=dns.zone, record_name="mta-sts", target=target)


def build_policy(mail_server: str) -> str:
    """Return the policy's text: mail for the domain goes to this server, over TLS."""
    age = int(_MAXIMUM_AGE.to_seconds())
    return f"version: STSv1\nmode: enforce\nmx: {mail_server}\nmax_age: {age}\n"
