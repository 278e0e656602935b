"""The prediction log in DynamoDB."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.aspects.rule import accept_rule
from stacks.config import StageConfig
from stacks.stage_stack import StageStack

_TEXT = dynamodb.AttributeType.STRING


class PredictionLogStack(StageStack):
    """One item per prediction, found by its UUID, by model and day (sharded), and by entity."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "PredictionLog", config=config, description="Presage: prediction log")
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.table = dynamodb.TableV2(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="prediction_id", type=_TEXT),
            billing=dynamodb.Billing.on_demand(),
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(key),
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            deletion_protection=config.retain,
            removal_policy=self.removal_policy,
            global_secondary_indexes=[
                self._index("by_model_day", "model_day_shard"),
                self._index("by_entity", "entity_shard"),
            ],
        )
        if not config.retain:
            accept_rule(self.table, {"DDB-PROTECTED": "A stage without customers' data must be possible to take down."})
        self.export_output("PredictionTable", self.table.table_name)

    def _index(self, name: str, partition: str) -> dynamodb.GlobalSecondaryIndexPropsV2:
        return dynamodb.GlobalSecondaryIndexPropsV2(
            index_name=name,
            partition_key=dynamodb.Attribute(name=partition, type=_TEXT),
            sort_key=dynamodb.Attribute(name="created_at", type=_TEXT),
            projection_type=dynamodb.ProjectionType.ALL,
        )
