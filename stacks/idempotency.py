"""What was answered under idempotency keys, in DynamoDB."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.constructs.findings import acknowledge
from stacks.stage_stack import StageStack


class IdempotencyStack(StageStack):
    """One item per key of a workspace and route, gone some time after its 24 hours."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Idempotency", config=config, description="Presage: answers under idempotency keys")
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="call_key", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(key),
            time_to_live_attribute="expires_at",
            deletion_protection=config.retain,
            removal_policy=self.removal_policy,
        )
        acknowledge(self.table, {"DDB3": "What is a day old is worthless: there is nothing to restore."})
        if not config.retain:
            accept_rule(self.table, {"DDB-PROTECTED": "A stage without customers' data must be possible to take down."})
        self.export_output("IdempotencyTable", self.table.table_name)
