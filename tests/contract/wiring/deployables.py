"""Every deployable with settings: what it needs, and what its stack gives it."""

import importlib
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from tests.fixtures.synthesis import ROOT, Synthesis

PREFIX = "PRESAGE_"
_ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
_SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"


@dataclass(frozen=True)
class Variables:
    """Names of variables, and which of them are references to secrets."""

    names: frozenset[str]
    secrets: frozenset[str]


def list_deployables() -> list[str]:
    """`services/x`, `lambdas/x`, `emr_steps/x`, found by their `settings.py`."""
    return sorted(
        f"{path.parent.parent.name}/{path.parent.name}"
        for path in ROOT.glob("*/*/settings.py")
        if (path.parent / "pyproject.toml").exists()
    )


def read_needed(deployable: str) -> frozenset[str]:
    """The variables that the deployable's settings read."""
    module = importlib.import_module(f"{deployable.replace('/', '.')}.settings")
    (settings,) = (
        member
        for name, member in vars(module).items()
        if name.endswith("Settings")
        and isinstance(member, type)
        and issubclass(member, msgspec.Struct)
        and member.__module__ == module.__name__
    )
    return frozenset(PREFIX + field.name.upper() for field in msgspec.structs.fields(settings))


def read_given(synthesis: Synthesis) -> dict[str, Variables]:
    """The `PRESAGE_` variables in the templates, by deployable."""
    return {**_of_functions(synthesis), **_of_containers(synthesis), **_of_environments(synthesis)}


def _of_functions(synthesis: Synthesis) -> dict[str, Variables]:
    found = {}
    for resource in synthesis.resources("AWS::Lambda::Function").values():
        match = re.fullmatch(r"lambdas\.(\w+)\.handler\.handle", resource["Properties"]["Handler"])
        if match:
            found[f"lambdas/{match[1]}"] = _variables(resource["Properties"]["Environment"]["Variables"], ())
    return found


def _of_containers(synthesis: Synthesis) -> dict[str, Variables]:
    found = {}
    for resource in synthesis.resources("AWS::ECS::TaskDefinition").values():
        (container,) = resource["Properties"]["ContainerDefinitions"]
        plain = [pair["Name"] for pair in container["Environment"]]
        found[f"services/{container['Name']}"] = _variables(plain, [pair["Name"] for pair in container.get("Secrets", ())])
    return found


def _of_environments(synthesis: Synthesis) -> dict[str, Variables]:
    found = {}
    for name, resource in synthesis.resources("AWS::ElasticBeanstalk::Environment").items():
        options: list[dict[str, Any]] = resource["Properties"]["OptionSettings"]
        plain, secret = ([option["OptionName"] for option in options if option["Namespace"] == space] for space in (_ENVIRONMENT, _SECRETS))
        found[f"services/{name.split('/')[0].rpartition('-')[2].lower()}"] = _variables(plain, secret)
    return found


def _variables(plain: Any, secret: Any) -> Variables:  # noqa: ANN401 - names in whatever container a template has
    secrets = frozenset(name for name in secret if name.startswith(PREFIX))
    return Variables(frozenset(name for name in plain if name.startswith(PREFIX)) | secrets, secrets)
