"""Rules on the edge and on watching: the gateway, the domain, queues and alarms."""

import re
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_wafv2 as waf

from stacks.aspects.rule import Rule, list_neighbours, read, read_keys, refers_to

RUNBOOK = re.compile(r"docs/runbooks/[a-z-]+\.md#[a-z-]+")


def _stage_has_firewall(stage: apigateway.CfnStage) -> bool:
    return any(refers_to(read(each, "resource_arn"), stage) for each in list_neighbours(stage, waf.CfnWebACLAssociation))


def _stage_is_metered(stage: apigateway.CfnStage) -> bool:
    plans = list(list_neighbours(stage, apigateway.CfnUsagePlan))
    metered = [plan for plan in plans if read(plan, "quota") and read(plan, "throttle")]
    covered = [plan for plan in metered if any(refers_to(read_keys(each).get("stage"), stage) for each in read(plan, "api_stages") or ())]
    return bool(plans) and covered == plans


def _records(zone: route53.CfnHostedZone, kind: str) -> list[str]:
    """The values of the zone's records of a kind, each behind its name."""
    found = []
    for record in list_neighbours(zone, route53.CfnRecordSet):
        if read(record, "type") == kind and refers_to(read(record, "hosted_zone_id"), zone):
            found += [f"{read(record, 'name')} {value}" for value in read(record, "resource_records") or ()]
    return found


def _queue_is_watched(queue: sqs.CfnQueue) -> bool:
    alarms: list[cloudwatch.CfnAlarm] = list(list_neighbours(queue, cloudwatch.CfnAlarm))
    return any(refers_to(read(alarm, "dimensions") or [], queue) for alarm in alarms)


def _alarm_helps(alarm: Any) -> bool:  # noqa: ANN401 - plain or composite
    """Somebody gets it, unless another alarm is made from it, and its description names the runbook's section."""
    return bool(RUNBOOK.search(str(read(alarm, "alarm_description") or "")))


def _alarm_is_heard(alarm: cloudwatch.CfnAlarm) -> bool:
    if read(alarm, "alarm_actions"):
        return True
    composites = list_neighbours(alarm, cloudwatch.CfnCompositeAlarm)
    return any(refers_to(read(each, "alarm_rule"), alarm) for each in composites)


RULES = (
    Rule("API-KEYS", "a method needs an API key", apigateway.CfnMethod, lambda each: read(each, "api_key_required") is True),
    Rule("API-FIREWALL", "a stage of the gateway is behind the firewall", apigateway.CfnStage, _stage_has_firewall),
    Rule("API-PLANS", "every usage plan throttles and meters the stage", apigateway.CfnStage, _stage_is_metered),
    Rule("DNS-CAA", "a zone says who may issue certificates", route53.CfnHostedZone, lambda zone: bool(_records(zone, "CAA"))),
    Rule("DNS-MX", "a zone says where its mail goes", route53.CfnHostedZone, lambda zone: bool(_records(zone, "MX"))),
    Rule(
        "DNS-SPF",
        "a zone names its senders and refuses the others",
        route53.CfnHostedZone,
        lambda zone: any("v=spf1" in text and "-all" in text for text in _records(zone, "TXT")),
    ),
    Rule(
        "DNS-DMARC",
        "a zone has a DMARC policy",
        route53.CfnHostedZone,
        lambda zone: any(text.startswith("_dmarc.") and "v=DMARC1" in text for text in _records(zone, "TXT")),
    ),
    Rule(
        "DNS-RETAIN",
        "a zone outlives its stack, as a new one has new name servers",
        route53.CfnHostedZone,
        lambda zone: zone.cfn_options.deletion_policy == cdk.CfnDeletionPolicy.RETAIN,
    ),
    Rule("SQS-ALARM", "a queue is watched by an alarm", sqs.CfnQueue, _queue_is_watched),
    Rule("ALARM-HEARD", "an alarm notifies somebody", cloudwatch.CfnAlarm, _alarm_is_heard),
    Rule("ALARM-RUNBOOK", "an alarm names its runbook", cloudwatch.CfnAlarm, _alarm_helps),
    Rule("ALARM-RUNBOOK-COMPOSITE", "a composite alarm names its runbook", cloudwatch.CfnCompositeAlarm, _alarm_helps),
)
