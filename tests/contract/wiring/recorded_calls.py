"""The reviewed record of the AWS calls that each component makes, and the rights that they need.

`python -m tests.contract.wiring.recorded_calls` adds what a running local stack has noted to `calls.json`; with `--anew` the file is
written from this stack alone. `make record-calls` runs the journeys before.
"""

import json
import sys
from collections.abc import Iterator, Mapping

from localstack.calls import URL_SIGNER, Call
from localstack.places import Places
from tests.contract.wiring.rights import Right, Rights
from tests.fixtures.synthesis import ROOT

RECORD = ROOT / "tests" / "contract" / "wiring" / "calls.json"
SIGNER = "backend"
"""The component whose rights count for presigned URLs."""
_NO_RESOURCE = {"DescribeStatement", "GetStatementResult", "CancelStatement", "DescribeTasks", "StopTask", "RunJobFlow", "ListClusters"}
_STAND_INS_OWN = {Call("spark", "s3", "ListObjectsV2", "{assets}")}
"""What only the file staging in place of Spark's file system calls: it lists where EMR gets a step by its key."""
_PLANS = ("{FreePlanId}", "{StandardPlanId}")
_S3_ACTIONS = {
    "ListObjectsV2": ["s3:ListBucket"],
    "HeadBucket": ["s3:ListBucket"],
    "GetObject": ["s3:GetObject"],
    "HeadObject": ["s3:GetObject"],
    "PutObject": ["s3:PutObject"],
    "PutObject+Tagging": ["s3:PutObject", "s3:PutObjectTagging"],
    "DeleteObject": ["s3:DeleteObject"],
}
"""Where S3's actions are not called like its operations (Service Authorization Reference, "Actions for Amazon S3")."""
_ACTION_OF_BATCH = {"SendMessageBatch": "SendMessage"}
_S3_KEY_ACTIONS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}


def read_record() -> dict[str, list[Call]]:
    """Return the calls by component."""
    record: dict[str, dict[str, list[str]]] = json.loads(RECORD.read_text())
    return {
        component: [
            Call(component, service, operation, resource)
            for what, resources in calls.items()
            for service, _, operation in [what.partition(" ")]
            for resource in resources
        ]
        for component, calls in record.items()
    }


def read_noted(places: Places) -> set[Call]:
    """Return the calls that the local stack has noted, with resources by the names of the outputs that name them."""
    found: dict[str, str] = json.loads((places.state / "endpoints.json").read_text())["outputs"]
    outputs = {name: value for name, value in found.items() if not name.startswith("Exports") and not value.endswith("/")}
    names = {value.rpartition("/")[2]: f"{{{name}}}" for name, value in outputs.items()}
    return {_rename(Call(**json.loads(line)), names) for line in places.calls.read_text().splitlines()} - _STAND_INS_OWN


def _rename(call: Call, names: Mapping[str, str]) -> Call:
    resource = "/".join(names.get(part, part) for part in call.resource.split("/"))
    if call.resource.startswith("cdk-"):
        resource = "/".join(["{assets}", *call.resource.split("/")[1:]])
    return Call(SIGNER if call.component == URL_SIGNER else call.component, call.service, call.operation, resource)


def list_needs(call: Call, rights: Rights) -> Iterator[Right]:
    """Yield the rights that a call needs, those on keys and passed roles included."""
    if call.service == "s3":
        yield from _list_object_needs(call, rights)
    elif call.service == "apigateway":
        for plan in _PLANS if "/usageplans/*" in call.resource else ("*",):
            path = call.resource.replace("/usageplans/*", f"/usageplans/{plan}")
            yield Right(f"apigateway:{call.operation}", f"arn:aws:apigateway:us-east-1::{path}")
    elif call.service == "ses":  # the identity and, where one is named, the configuration set
        yield Right(f"ses:{call.operation}", "{identity}/{Dns/Identity}")
        yield Right(f"ses:{call.operation}", f"{{configuration-set}}/{call.resource}")
    else:
        resource = "*" if call.operation in _NO_RESOURCE else call.resource.removeprefix("applications/").removesuffix("/jobruns")
        yield Right(f"{call.service}:{_ACTION_OF_BATCH.get(call.operation, call.operation)}", resource)
        yield from _list_further_needs(call, rights)


def _list_object_needs(call: Call, rights: Rights) -> Iterator[Right]:
    bucket = call.resource.partition("/")[0]
    key = None if bucket == "{assets}" else rights.find_key(bucket.strip("{}"))
    for action in _S3_ACTIONS[call.operation]:
        yield Right(action, call.resource)
        if key is not None and action in _S3_KEY_ACTIONS:
            yield Right(_S3_KEY_ACTIONS[action], key)


def _list_further_needs(call: Call, rights: Rights) -> Iterator[Right]:
    if call.operation in {"ExecuteStatement", "BatchExecuteStatement"}:
        yield Right("redshift-serverless:GetCredentials", call.resource)
    if call.operation == "RunTask":
        yield from (Right("iam:PassRole", role) for role in rights.find_task_roles())
    if call.operation == "StartJobRun":
        yield Right("iam:PassRole", "{EmrExecutionRoleArn}")
    if call.operation == "RunJobFlow":
        yield Right("elasticmapreduce:AddTags", "{clusters}/*")
        yield from (Right("iam:PassRole", role) for role in ("{EmrExecutionRoleArn}", "{EmrServiceRoleArn}"))
    if call.service == "dynamodb":
        key = rights.find_key(call.resource.partition("/")[0].strip("{}"))
        yield from () if key is None else [Right("kms:Decrypt", key)]


def write_record(calls: set[Call]) -> None:
    """Write the calls, sorted, in the form that is reviewed: component → service and operation → resources."""
    record: dict[str, dict[str, list[str]]] = {}
    for call in sorted(calls):
        record.setdefault(call.component, {}).setdefault(f"{call.service} {call.operation}", []).append(call.resource)
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


def main(arguments: list[str]) -> None:
    """Bring the record up to date and say what it gained."""
    kept = set() if "--anew" in arguments or not RECORD.exists() else {call for calls in read_record().values() for call in calls}
    noted = read_noted(Places())
    write_record(kept | noted)
    sys.stdout.write(f"{len(noted)} calls noted, {len(noted - kept)} of them new; {RECORD.relative_to(ROOT)} is to be reviewed\n")


if __name__ == "__main__":
    main(sys.argv[1:])
