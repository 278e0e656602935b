"""Spark on EMR clusters on EC2: the calls of the worker there, held by the port's suite, and the reasons for what no call needs."""

from localstack.calls import Call
from tests.contract.wiring.reasons import OTHER_ROLES, REASONS, Reason
from tests.contract.wiring.rights import Right

CONTEXT = "spark_nodes=2"
CALLS = frozenset(
    Call("worker", "elasticmapreduce", operation, resource)
    for operation, resource in (
        ("RunJobFlow", ""),
        ("ListClusters", ""),
        ("ListSteps", "{clusters}/*"),
        ("DescribeCluster", "{clusters}/*"),
        ("TerminateJobFlows", "{clusters}/*"),
    )
)
_OF_SERVERLESS = {Right(f"kms:{action}", "{Spark/LogKey}") for action in ("Decrypt", "GenerateDataKey")}
_DISKS = "EMR's agent on the node encrypts its disks, the logs and reads the certificates with it, under the instance's role."


def list_calls(component: str, recorded: list[Call]) -> list[Call]:
    """Return the recorded calls as they are with clusters in place of EMR Serverless."""
    others = [call for call in recorded if call.service != "emr-serverless"]
    return others + sorted(CALLS) if component == "worker" else others


REASONS_OF_CLUSTERS = (
    *(reason for reason in REASONS if reason.right not in _OF_SERVERLESS),
    *(
        Reason(("spark",), Right(f"kms:{action}", "{Spark/LogKey}"), _DISKS)
        for action in ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
    ),
    Reason(("spark",), Right("s3:PutObject", "{EmrFilesBucket}/logs/*"), "EMR's agent on the node puts the cluster's logs there."),
    Reason(("spark",), Right("s3:GetObject", "{EmrFilesBucket}/tls/certificates.zip"), "EMR's agent on the node fetches the certificates."),
)
OTHER_ROLES_OF_CLUSTERS = {
    **OTHER_ROLES,
    "Spark/ServiceRole": "EMR itself, with the policy that AWS defines, the nodes' role and the disks' key.",
}
