"""The public API's edge: keys, usage plans, throttling, the domain, and the way to the service."""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigateway_v2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import PlanConfig, StageConfig
from stacks.constructs.findings import acknowledge
from stacks.constructs.firewall import build_firewall
from stacks.constructs.gateway_models import add_models
from stacks.constructs.logs import build_log_group
from stacks.dns import DnsStack
from stacks.public_api import PublicApiStack
from stacks.stage_stack import StageStack

ROUTES = (
    ("POST", "/v1/predict"),
    ("POST", "/v1/datasets/{dataset}/records"),
    ("GET", "/v1/predictions/{prediction_id}"),
    ("GET", "/v1/openapi.json"),
    ("OPTIONS", "/v1/predict"),
    ("OPTIONS", "/v1/datasets/{dataset}/records"),
)
"""Browsers ask by OPTIONS, without a key, whether a page may call; the service answers by the origins that keys list."""
PREDICT, RECORDS = (f"{verb} {path}" for verb, path in ROUTES[:2])
KEY_ID_HEADER = "x-presage-api-key-id"
_PROBLEMS = (
    (apigateway.ResponseType.INVALID_API_KEY, "invalid_api_key", "403"),
    (apigateway.ResponseType.MISSING_AUTHENTICATION_TOKEN, "not_found", "404"),
    (apigateway.ResponseType.THROTTLED, "throttled", "429"),
    (apigateway.ResponseType.QUOTA_EXCEEDED, "quota_exceeded", "429"),
    (apigateway.ResponseType.REQUEST_TOO_LARGE, "too_large", "413"),
    (apigateway.ResponseType.INTEGRATION_TIMEOUT, "timeout", "504"),
    (apigateway.ResponseType.DEFAULT_5_XX, "unavailable", None),
)


class GatewayStack(StageStack):
    """A REST API, because usage plans exist only for those; every method but a preflight needs a key of a plan."""

    def __init__(self, scope: Construct, *, config: StageConfig, public_api: PublicApiStack, dns: DnsStack) -> None:
        super().__init__(scope, "Gateway", config=config, description="Presage: public API's gateway and usage plans")
        self.public_api = public_api
        self.api = self._api()
        self._link = self._build_link()
        self._models = add_models(self.api, {PREDICT: "Prediction", RECORDS: "Records"})
        self._validator = self.api.add_request_validator("Parameters", validate_request_parameters=True, validate_request_body=False)
        self._methods = {f"{verb} {path}": self._add_route(verb, path) for verb, path in ROUTES}
        self.plans = {plan.name: self._plan(plan) for plan in config.gateway.plans}
        self._add_problems()
        build_firewall(self, "Firewall", stage_arn=self.api.deployment_stage.stage_arn)
        self._add_domain(dns)
        self.export_output("ApiId", self.api.rest_api_id)
        self.export_output("ApiStage", self.api.deployment_stage.stage_name)
        self.export_output("ApiUrl", self.public_url)
        for name, plan in self.plans.items():
            self.export_output(f"{name.title()}PlanId", plan.usage_plan_id)

    @property
    def public_url(self) -> str:
        """The address that callers use, without a trailing slash."""
        template = self.config.gateway.public_url or f"https://api.{self.config.domain}"
        return template.replace("{api}", self.api.rest_api_id).replace("{stage}", self.config.name)

    @property
    def plan_ids(self) -> str:
        """JSON of plan name → usage plan id, for the service that hands out keys."""
        return self.to_json_string({name: plan.usage_plan_id for name, plan in self.plans.items()})

    def _api(self) -> apigateway.RestApi:
        gateway = self.config.gateway
        logs = build_log_group(self, "AccessLogs")
        api = apigateway.RestApi(
            self,
            "Api",
            rest_api_name=f"presage-{self.config.name}",
            description="Predictions and records",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            api_key_source_type=apigateway.ApiKeySourceType.HEADER,
            binary_media_types=["*/*"],
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=self.removal_policy,
            deploy_options=apigateway.StageOptions(
                stage_name=self.config.name,
                access_log_destination=apigateway.LogGroupLogDestination(logs),
                access_log_format=apigateway.AccessLogFormat.custom(_access_log()),
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                metrics_enabled=True,
                tracing_enabled=True,
                throttling_rate_limit=gateway.rate_per_second,
                throttling_burst_limit=gateway.burst,
            ),
        )
        acknowledge(
            api,
            {
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]": (
                    "The account's role for API Gateway logs, as AWS defines it."
                ),
                "APIG2": (
                    "The gateway requires the parameters; bodies pass as binary because gzip must, so the service validates them itself."
                ),
                "APIG4": "Callers are authorised by API keys of a usage plan, which the service resolves to a workspace.",
                "COG4": "Callers are servers, not people: API keys, no user pool.",
            },
        )
        return api

    def _build_link(self) -> apigateway_v2.CfnVpcLink | None:
        if self.config.gateway.origin:
            return None
        subnets = self.public_api.inputs.network.vpc.select_subnets(subnet_group_name="service").subnet_ids
        group = self.public_api.balancer.connections.security_groups[0].security_group_id
        return apigateway_v2.CfnVpcLink(self, "Link", name=f"presage-{self.config.name}", subnet_ids=subnets, security_group_ids=[group])

    def _add_route(self, verb: str, path: str) -> apigateway.Method:
        names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        gateway = self.config.gateway
        integration = apigateway.Integration(
            type=apigateway.IntegrationType.HTTP_PROXY,
            integration_http_method=verb,
            uri=f"{gateway.origin or f'http://{self.public_api.balancer.load_balancer_dns_name}'}{path}",
            options=apigateway.IntegrationOptions(
                timeout=cdk.Duration.seconds(29),
                request_parameters={
                    f"integration.request.header.{KEY_ID_HEADER}": "context.identity.apiKeyId",
                    **{f"integration.request.path.{name}": f"method.request.path.{name}" for name in names},
                },
            ),
        )
        method = self.api.root.resource_for_path(path).add_method(
            verb,
            integration,
            api_key_required=verb != "OPTIONS",
            request_parameters={f"method.request.path.{name}": True for name in names},
            request_models={"application/json": self._models[f"{verb} {path}"]} if f"{verb} {path}" in self._models else None,
            request_validator=self._validator,
        )
        if verb == "OPTIONS":
            accept_rule(method, {"API-KEYS": "A browser's preflight carries no key, and asks nothing but whether its page may call."})
        self._send_through_link(method)
        return method

    def _send_through_link(self, method: apigateway.Method) -> None:
        """Point the integration at the load balancer's listener; the construct library knows only links to network load balancers."""
        if self._link is None:
            return
        resource = method.node.default_child
        if not isinstance(resource, apigateway.CfnMethod):
            raise TypeError(f"{method.node.path} has no method resource")
        resource.add_property_override("Integration.ConnectionType", "VPC_LINK")
        resource.add_property_override("Integration.ConnectionId", self._link.ref)
        resource.add_property_override("Integration.IntegrationTarget", self.public_api.balancer.load_balancer_arn)

    def _plan(self, plan: PlanConfig) -> apigateway.UsagePlan:
        return self.api.add_usage_plan(
            plan.name.title(),
            name=f"presage-{self.config.name}-{plan.name}",
            throttle=apigateway.ThrottleSettings(rate_limit=plan.rate_per_second, burst_limit=plan.burst),
            quota=apigateway.QuotaSettings(limit=plan.calls_per_month, period=apigateway.Period.MONTH),
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.api, stage=self.api.deployment_stage, throttle=self._throttles(plan))],
        )

    def _throttles(self, plan: PlanConfig) -> list[apigateway.ThrottlingPerMethod]:
        """Predictions may use the plan's whole rate; records less, so that an import does not take the predictions' share."""
        rates = {PREDICT: (plan.rate_per_second, plan.burst), RECORDS: (plan.records_per_second, 2 * plan.records_per_second)}
        return [
            apigateway.ThrottlingPerMethod(
                method=self._methods[route], throttle=apigateway.ThrottleSettings(rate_limit=rate, burst_limit=burst)
            )
            for route, (rate, burst) in rates.items()
        ]

    def _add_problems(self) -> None:
        """Let the gateway's own refusals look like the service's: problem+json with a stable code."""
        for response_type, code, status in _PROBLEMS:
            wait = {"Retry-After": "'1'"} if status == "429" else {}
            apigateway.GatewayResponse(
                self,
                f"Problem{response_type.response_type.title().replace('_', '')}",
                rest_api=self.api,
                type=response_type,
                status_code=status,
                response_headers={"Content-Type": "'application/problem+json'", **wait},
                templates={"application/json": _problem(code, status)},
            )

    def _add_domain(self, dns: DnsStack) -> None:
        domain = apigateway.DomainName(
            self,
            "Domain",
            domain_name=f"api.{self.config.domain}",
            certificate=dns.certificate,
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        domain.add_base_path_mapping(self.api, stage=self.api.deployment_stage)
        target = route53.RecordTarget.from_alias(targets.ApiGatewayDomain(domain))
        route53.ARecord(self, "Alias", zone=dns.zone, record_name="api", target=target)


def _problem(code: str, status: str | None) -> str:
    """Return the template of a refusal; the gateway uses the one for application/json whatever the caller accepts."""
    members = {
        "type": f'"urn:presage:problem:{code}"',
        "title": "$context.error.messageString",
        **({"status": status} if status else {}),
        "detail": "$context.error.messageString",
        "code": f'"{code}"',
        "request_id": '"$context.requestId"',
    }
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


def _access_log() -> str:
    fields = {
        "request_id": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "api_key_id": "$context.identity.apiKeyId",
        "method": "$context.httpMethod",
        "path": "$context.resourcePath",
        "status": "$context.status",
        "latency_ms": "$context.responseLatency",
        "integration_latency_ms": "$context.integrationLatency",
        "response_bytes": "$context.responseLength",
        "error": "$context.error.message",
    }
    return "{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items()) + "}"
