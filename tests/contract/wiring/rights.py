"""What the synthesised policies allow each component, and what its recorded calls need, in the same words.

A resource is named by the output that names it (`{LakeBucket}/ws=*/…`), else by stack and logical id, so that a call recorded on one
stage can be held against the templates of another. Matching is IAM's: `*` stands for anything, also for slashes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fixtures.synthesis import Synthesis

ROLES = {
    "public_api": "PublicApi/TaskTaskRole",
    "trainer": "Trainer/TaskTaskRole",
    "backend": "Backend/WebInstanceRole",
    "worker": "Worker/WorkerInstanceRole",
    "land_records": "Functions/LandRecordsFunctionServiceRole",
    "profile_feature_set": "Functions/ProfileFeatureSetFunctionServiceRole",
    "log_predictions": "Functions/LogPredictionsFunctionServiceRole",
    "load_assignments": "Functions/LoadAssignmentsFunctionServiceRole",
    "rotate_database_password": "Metadata/RotationRotateDatabasePasswordFunctionServiceRole",
    "spark": "Spark/ExecutionRole",
    "warehouse_copy": "Warehouse/CopyRole",
}
"""The role that each component runs under: stack and start of the logical id."""
_HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True, order=True)
class Right:
    """One action on one resource, either of which may hold `*`."""

    action: str
    resource: str

    def covers(self, other: "Right") -> bool:
        """Whether whoever has this right may do the other."""
        return _matches(self.action, other.action) and _matches(self.resource, other.resource)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, flags=re.DOTALL) is not None


class Rights:
    """Reads the rights of roles from a stage's templates."""

    def __init__(self, synthesis: Synthesis) -> None:
        self._templates = {name.split("-")[-1]: template for name, template in synthesis.templates.items()}
        self._exports = {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in self._templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }
        self._names = dict(self._name_resources())

    def read(self, component: str) -> set[Right]:
        """Return every pair of action and resource that the policies of the component's role allow."""
        stack, role = self.find_role(component)
        return {
            Right(action, self.resolve(stack, resource))
            for statement in self._statements(stack, role)
            for action in _as_list(statement["Action"])
            for resource in _as_list(statement["Resource"])
        }

    def find_role(self, component: str) -> tuple[str, str]:
        """Return the stack and logical id of the component's role."""
        stack, _, prefix = ROLES[component].partition("/")
        (found,) = (name for name in self.list_roles()[stack] if _HASH.sub("", name) == prefix)
        return stack, found

    def list_roles(self) -> dict[str, list[str]]:
        """Return the logical ids of all roles by stack."""
        return {
            stack: [name for name, each in template.get("Resources", {}).items() if each["Type"] == "AWS::IAM::Role"]
            for stack, template in self._templates.items()
        }

    def list_managed_policies(self, component: str) -> list[str]:
        """Return the names of AWS's own policies that the component's role has."""
        stack, role = self.find_role(component)
        arns = self._templates[stack]["Resources"][role]["Properties"].get("ManagedPolicyArns", [])
        return [self.resolve(stack, arn).rpartition("/")[2] for arn in arns]

    def find_policy(self, component: str) -> dict[str, Any]:
        """Return the component's own policy document, as it is in the template."""
        stack, role = self.find_role(component)
        (policy,) = self._policies(stack, role)
        document: dict[str, Any] = policy["Properties"]["PolicyDocument"]
        return document

    def find_key(self, name: str) -> str | None:
        """Return the key that encrypts a named bucket or table."""
        (place,) = (place for place, each in self._names.items() if each == f"{{{name}}}")
        stack, logical_id = place
        keys = list(_find_keys(self._templates[stack]["Resources"][logical_id]["Properties"]))
        return self.resolve(stack, keys[0]) if keys else None

    def find_task_roles(self) -> list[str]:
        """Return the roles that ECS passes to the trainer."""
        (task,) = (each for each in self._templates["Trainer"]["Resources"].values() if each["Type"] == "AWS::ECS::TaskDefinition")
        return [self.resolve("Trainer", task["Properties"][name]) for name in ("TaskRoleArn", "ExecutionRoleArn")]

    def resolve(self, stack: str, value: Any) -> str:  # noqa: ANN401 - whatever a template may hold
        """Return a template's value as text, with resources by their names."""
        if isinstance(value, str):
            return _shorten(value)
        ((function, argument),) = value.items()
        if function == "Fn::Join":
            return _shorten("".join(self.resolve(stack, part) for part in argument[1]))
        if function == "Fn::ImportValue":
            origin, exported = self._exports[argument]
            return self.resolve(origin, exported)
        if function == "Fn::Sub":
            return str(argument)
        logical_id = argument if function == "Ref" else argument[0]
        return self._names.get((stack, logical_id), f"{{{stack}/{_HASH.sub('', logical_id)}}}")

    def _statements(self, stack: str, role: str) -> Iterator[dict[str, Any]]:
        for policy in self._policies(stack, role):
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow", "denials would have to be subtracted"
                assert {"Action", "Resource"} <= statement.keys(), "what is left out would have to be listed"
                yield statement

    def _policies(self, stack: str, role: str) -> list[dict[str, Any]]:
        resources = self._templates[stack]["Resources"].values()
        return [each for each in resources if each["Type"] == "AWS::IAM::Policy" and {"Ref": role} in each["Properties"]["Roles"]]

    def _name_resources(self) -> Iterator[tuple[tuple[str, str], str]]:
        for stack, template in self._templates.items():
            for name, output in template.get("Outputs", {}).items():
                value = output["Value"]
                if isinstance(value, str):
                    for logical_id, each in template["Resources"].items():
                        if each["Properties"].get("WorkgroupName") == value:
                            yield (stack, logical_id), f"{{{name}}}"
                elif not name.startswith("Exports") and value.keys() & {"Ref", "Fn::GetAtt"}:
                    yield (stack, value.get("Ref") or value["Fn::GetAtt"][0]), f"{{{name}}}"


def _shorten(arn: str) -> str:
    """Return an object's ARN without its start, a deployment's file without its hash, and what is told by its kind by one name."""
    arn = re.sub(r"^arn:.*:secretsmanager:.*:secret:presage-[a-z]+/", "{credentials}/", arn)
    arn = re.sub(r"^arn:.*:elasticmapreduce:.*:cluster/", "{clusters}/", arn)
    arn = re.sub(r"^arn:.*:ses:.*:(identity|configuration-set)/", r"{\1}/", arn)
    return re.sub(r"^cdk-.*?/[0-9a-f]{64}", "{assets}/*", arn.removeprefix("arn:aws:s3:::"))


def _find_keys(value: Any) -> Iterator[Any]:  # noqa: ANN401 - same
    if isinstance(value, dict):
        for name, each in value.items():
            if name.lower() == "kmsmasterkeyid":
                yield each
            else:
                yield from _find_keys(each)
    elif isinstance(value, list):
        for each in value:
            yield from _find_keys(each)


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401 - one or several
    return value if isinstance(value, list) else [value]
