"""What a price depends on and a template says in its own way: how many zones, copies, instances, vCPUs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Properties = Mapping[str, Any]
_CPU_UNITS_PER_VCPU = 1024
_MIB_PER_GB = 1024


@dataclass(frozen=True)
class Place:
    """One resource and the template it stands in, which others of its stack are looked up in."""

    properties: Properties
    template: Mapping[str, Any]

    @property
    def options(self) -> dict[str, str]:
        """Beanstalk's option settings by name; names that are measured here are unique among the namespaces."""
        return {each["OptionName"]: str(each["Value"]) for each in self.properties.get("OptionSettings", ())}

    @property
    def task(self) -> Properties:
        """The task definition of an ECS service, which stands in the same stack."""
        properties: Properties = self.template["Resources"][self.properties["TaskDefinition"]["Ref"]]["Properties"]
        return properties

    @property
    def is_run_by_a_service(self) -> bool:
        """Whether the stack of a task definition has a service, whose tasks are charged there."""
        return any(each["Type"] == "AWS::ECS::Service" for each in self.template["Resources"].values())


def _platform(place: Place) -> str:
    providers = {each["CapacityProvider"] for each in place.properties.get("CapacityProviderStrategy", ())}
    architecture: str = place.task.get("RuntimePlatform", {}).get("CpuArchitecture", "X86_64")
    return "SPOT" if providers == {"FARGATE_SPOT"} else architecture


def _indexes(place: Place) -> Sequence[object]:
    """Return the indexes of a table: the log has some, the table of idempotency keys has none."""
    found: Sequence[object] = place.properties.get("GlobalSecondaryIndexes", ())
    return found


MEASURES: Mapping[str, Callable[[Place], float | str]] = {
    "metrics": lambda place: max(1, sum("MetricStat" in each for each in place.properties.get("Metrics", ()))),
    "log_copies": lambda place: len(_indexes(place)) + 1 if _indexes(place) else 0,
    "logs": lambda place: int(bool(_indexes(place))),
    "key_tables": lambda place: int(not _indexes(place)),
    "streams": lambda place: int("StreamSpecification" in place.properties),
    "interfaces": lambda place: len(place.properties.get("SubnetIds", ())) if place.properties.get("VpcEndpointType") == "Interface" else 0,
    "database_copies": lambda place: 2 if place.properties.get("MultiAZ") else 1,
    "rules": lambda place: len(place.properties.get("Rules", ())),
    "vcpu": lambda place: int(place.task["Cpu"]) / _CPU_UNITS_PER_VCPU,
    "memory_gb": lambda place: int(place.task["Memory"]) / _MIB_PER_GB,
    "task_vcpu_alone": lambda place: 0 if place.is_run_by_a_service else int(place.properties["Cpu"]) / _CPU_UNITS_PER_VCPU,
    "task_memory_gb_alone": lambda place: 0 if place.is_run_by_a_service else int(place.properties["Memory"]) / _MIB_PER_GB,
    "platform": _platform,
    "instances": lambda place: int(place.options["MinSize"]),
    "instance_type": lambda place: place.options["InstanceTypes"].split(",")[0],
    "balancers": lambda place: int("LoadBalancerType" in place.options),
}
