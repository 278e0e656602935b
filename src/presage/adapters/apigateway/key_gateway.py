"""API keys and usage plans at Amazon API Gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from presage.errors import NotFoundError, UnavailableError
from presage.tenancy.model import Plan
from presage.tenancy.usage_model import DailyUsage, PlanLimits

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
        plan_id = self._find_plan(plan)
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
            self._client.create_usage_plan_key(usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
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

    def get_limits(self, plan: Plan) -> PlanLimits:
        """Return what the plan allows.

        Raises:
            NotFoundError: The stage has no such plan.
            UnavailableError: The gateway did not answer.
        """
        try:
            found = self._client.get_usage_plan(usagePlanId=self._find_plan(plan))
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"The gateway did not tell the plan {plan!r}: {error}") from error
        throttle, quota = found.get("throttle", {}), found.get("quota", {})
        return PlanLimits(throttle.get("rateLimit"), throttle.get("burstLimit"), quota.get("limit"))

    def list_usage(self, plan: Plan, api_key_id: str, *, since: date, until: date) -> Sequence[DailyUsage]:
        """Return the key's calls of each day, the oldest first.

        Raises:
            NotFoundError: The stage has no such plan.
            UnavailableError: The gateway did not answer.
        """
        asked = {"usagePlanId": self._find_plan(plan), "keyId": api_key_id, "startDate": since.isoformat(), "endDate": until.isoformat()}
        try:
            found = self._client.get_usage(**asked)  # type: ignore[arg-type] # all are texts
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError(f"The gateway did not tell the usage of {api_key_id}: {error}") from error
        counts = found.get("items", {}).get(api_key_id, [])
        return [DailyUsage(since + timedelta(days=number), used, remaining) for number, (used, remaining) in enumerate(counts)]

    def _find_plan(self, plan: Plan) -> str:
        if plan not in self._usage_plans:
            raise NotFoundError(f"There is no usage plan {plan!r}; there are {sorted(self._usage_plans)}")
        return self._usage_plans[plan]
