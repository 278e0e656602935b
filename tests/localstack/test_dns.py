"""The domain's records are ones that Route 53 takes. LocalStack cannot deploy their stack: its CloudFormation knows no hosted zones."""

import secrets
from typing import Any

import boto3
import pytest

from tests.localstack.project_stacks import ProjectStacks

pytestmark = pytest.mark.integration


def test_the_records_of_the_domain_are_kept_as_the_template_says(stacks: ProjectStacks) -> None:
    client = boto3.client("route53")
    template = stacks.template("Dns")["Resources"].values()
    zone_name = next(each["Properties"]["Name"] for each in template if each["Type"] == "AWS::Route53::HostedZone")
    records: list[Any] = [each["Properties"] for each in template if each["Type"] == "AWS::Route53::RecordSet"]
    wanted = [record for record in records if isinstance(record["Name"], str)]  # the others' names are made by SES at deployment
    zone = client.create_hosted_zone(Name=zone_name, CallerReference=secrets.token_hex(8))["HostedZone"]["Id"]

    client.change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": record["Name"],
                        "Type": record["Type"],
                        "TTL": int(record["TTL"]),
                        "ResourceRecords": [{"Value": value} for value in record["ResourceRecords"]],
                    },
                }
                for record in wanted
            ]
        },
    )

    kept = client.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    by_name = {(each["Name"], each["Type"]): [value["Value"] for value in each["ResourceRecords"]] for each in kept}
    assert {"MX", "TXT", "CAA"} <= {record["Type"] for record in wanted}
    assert {(record["Name"], record["Type"]): record["ResourceRecords"] for record in wanted}.items() <= by_name.items()
