"""The web application firewall before the public API."""

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

_RATE_PER_FIVE_MINUTES = 300_000
_MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")


def build_firewall(scope: Construct, construct_id: str, *, stage_arn: str) -> waf.CfnWebACL:
    """Return a web ACL with Amazon's rules and a limit per address, attached to the API stage."""
    firewall = waf.CfnWebACL(
        scope,
        construct_id,
        scope="REGIONAL",
        default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
        visibility_config=_visibility(construct_id),
        rules=[_limit_rate(), *(_use_managed(name, priority) for priority, name in enumerate(_MANAGED, start=1))],
    )
    waf.CfnWebACLAssociation(scope, f"{construct_id}Association", resource_arn=stage_arn, web_acl_arn=firewall.attr_arn)
    return firewall


def _limit_rate() -> waf.CfnWebACL.RuleProperty:
    return waf.CfnWebACL.RuleProperty(
        name="RatePerAddress",
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(
            rate_based_statement=waf.CfnWebACL.RateBasedStatementProperty(limit=_RATE_PER_FIVE_MINUTES, aggregate_key_type="IP")
        ),
        visibility_config=_visibility("RatePerAddress"),
    )


def _use_managed(name: str, priority: int) -> waf.CfnWebACL.RuleProperty:
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(vendor_name="AWS", name=name)
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_visibility(name),
    )


def _visibility(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True)
