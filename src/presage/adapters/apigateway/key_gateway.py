"""API keys and usage plans at Amazon API Gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from presage.errors import NotFoundError, UnavailableError
from presage.tenancy.model import Plan

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient

NOT_FOUND = "NotFoundException"


class ApiGatewayKeyGateway:
    """`KeyGateway` on API Gateway; `usage_plans` maps a plan to the id of its usage plan."""

    def __init__(self, client: APIGatewayClient, usage_plans: Mapping[str, str]) -> None:
        self._client = client
        self._usage_plans = dict(usage_plans)

    def create_key(self, *, name: str, plan: Plan, workspace_id: str, value: str) -> str:
        """Create an enabled key of that value in the plan and return its id.

        A key that could not be put into its plan is deleted again.

        Raises:
            NotFoundError: The stage has no such plan.
            UnavailableError: The gateway did not do it.
        """
        if plan not in self._usage_plans:
            raise NotFoundError(f"There is no usage plan {plan!r}; there are {sorted(self._usage_plans)}")
        try:
            key = self._client.create_api_key(
                name=f"{workspace_id}/{name}",
                enabled=True,
                description=f"Workspace {workspace_id}",
                tags={"workspace_id": workspace_id},
                value=value,
            )
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"The gateway did not create the key: {error}") from error
        try:
            self._client.create_usage_plan_key(usagePlanId=self._usage_plans[plan], keyId=key["id"], keyType="API_KEY")
        except (BotoCoreError, ClientError) as error:
            self.delete_key(key["id"])
            raise UnavailableError(f"The gateway did not put the key into the plan {plan!r}: {error}") from error
        return key["id"]

    def delete_key(self, api_key_id: str) -> None:
        """Delete it; a key that is gone stays gone.

        Raises:
            UnavailableError: The gateway did not do it.
        """
        try:
            self._client.delete_api_key(apiKey=api_key_id)
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise UnavailableError(f"The gateway did not delete the key {api_key_id}: {error}") from error
        except BotoCoreError as error:
            raise UnavailableError(f"The gateway did not delete the key {api_key_id}: {error}") from error
