"""The stacks through the tools that an engineer uses: the CDK command line's entry, cfn-lint, and the emulator."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.fixtures.synthesis import ROOT, UNJUDGED, read_synthesis

pytestmark = pytest.mark.integration

LAMBDA_LIMIT_BYTES = 262_144_000


def synthesise(folder: Path, *, stage: str, hash_seed: str = "0", bundle: bool = False, **arguments: str) -> dict[str, bytes]:
    """Run app.py as the CDK command line does, with `-c` arguments; return its templates."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"] | {"stage": stage, **arguments}
    if not bundle:
        context["aws:cdk:bundling-stacks"] = []
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},  # noqa: TID251 - what the command line passes on
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "PYTHONHASHSEED": hash_seed,
        **UNJUDGED,
    }
    done = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.template.json"))}


@cache
def lint(text: str) -> list[str]:
    """Return what cfn-lint says of a template, once for stages that have it in common."""
    from cfnlint.api import lint  # type: ignore[import-untyped] # noqa: PLC0415 - slow to load

    return [f"{match.rule.id}: {match.message}" for match in lint(text, regions=["us-east-1"])]


@pytest.mark.parametrize("arguments", [("local",), ("production",), ("production", "spark_nodes=2")])  # staging differs in sizes only
def test_cfn_lint_has_nothing_to_say(arguments: tuple[str, ...]) -> None:
    found = {name: lint(json.dumps(template)) for name, template in read_synthesis(*arguments).templates.items()}
    assert found == {name: [] for name in found}


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production's templates with everything that they upload, from an empty folder."""
    folder = tmp_path_factory.mktemp("bundled") / "first"
    assert "Presage-Production-Functions.template.json" in synthesise(folder, stage="production", hash_seed="1", bundle=True)
    return folder


def test_synthesis_and_its_zips_are_deterministic(bundled: Path, tmp_path: Path) -> None:
    synthesise(tmp_path, stage="production", hash_seed="2", bundle=True)

    for kind in ("template", "assets"):
        first, second = ({path.name: path.read_bytes() for path in folder.glob(f"*.{kind}.json")} for folder in (bundled, tmp_path))
        assert first
        assert first == second


def test_functions_fit_into_lambda_and_carry_the_library(bundled: Path) -> None:
    assets = json.loads((bundled / "Presage-Production-Functions.assets.json").read_bytes())["files"]
    folders = {name: bundled / file["source"]["path"] for name, file in assets.items() if file["source"]["packaging"] == "zip"}
    functions = [folder for folder in folders.values() if list(folder.glob("lambdas/*/handler.py"))]
    assert len(functions) == 4
    for folder in functions:
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) < LAMBDA_LIMIT_BYTES
        assert (folder / "presage" / "errors.py").exists()
        assert not [path for path in files if path.suffix == ".pyc"]
        assert not [path for path in files if path.suffix == ".so" and "x86_64" in path.name]


def test_a_configured_cluster_takes_the_workgroups_place() -> None:
    synthesis = read_synthesis("staging", "redshift_nodes=2")
    (cluster,) = (each["Properties"] for each in synthesis.resources("AWS::Redshift::Cluster").values())
    assert synthesis.nag == []
    assert synthesis.resources("AWS::RedshiftServerless::Workgroup") == {}
    assert (cluster["NodeType"], cluster["NumberOfNodes"]) == ("ra3.large", 2)
    assert (cluster["PubliclyAccessible"], cluster["EnhancedVpcRouting"], cluster["Encrypted"]) == (False, True, True)
    assert cluster["ManageMasterPassword"] is True
    (target,) = {
        json.dumps(function["Environment"]["Variables"]["PRESAGE_REDSHIFT_WORKGROUP"])
        for function in (each["Properties"] for each in synthesis.resources("AWS::Lambda::Function").values())
        if "PRESAGE_REDSHIFT_WORKGROUP" in function.get("Environment", {}).get("Variables", {})
    }
    assert "cluster:" in target


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_configured_clusters_take_the_applications_place(stage: str) -> None:
    """That it was synthesised at all says that no rule of ours is broken; what a cluster is asked to be: test_cluster_runner.py."""
    synthesis = read_synthesis(stage, "spark_nodes=2")
    (security,) = (each["Properties"]["SecurityConfiguration"] for each in synthesis.resources("AWS::EMR::SecurityConfiguration").values())
    files = next(each["Properties"] for name, each in synthesis.resources("AWS::S3::Bucket").items() if "-Spark/Files" in name)
    groups = {name: each["Properties"] for name, each in synthesis.resources("AWS::EC2::SecurityGroup").items() if "-Spark/" in name}
    tag = {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"}

    assert synthesis.nag == []
    assert synthesis.resources("AWS::EMRServerless::Application") == synthesis.resources("AWS::EMR::Cluster") == {}
    assert security["EncryptionConfiguration"]["EnableInTransitEncryption"] is True
    assert security["InstanceMetadataServiceConfiguration"]["MinimumInstanceMetadataServiceVersion"] == 2
    assert files["LifecycleConfiguration"]["Rules"][0]["Prefix"] == "logs/"
    assert len(groups) == 3
    assert all(tag in each["Tags"] for each in groups.values())
    tagged = [each for each in synthesis.resources("AWS::EC2::Subnet").values() if tag in each["Properties"]["Tags"]]
    assert len(tagged) == 3
