"""What a rule of ours is: a demand on resources that cdk-nag does not know, and the constructs that break it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

ACCEPTED = "presage:accepted-rules"


@dataclass(frozen=True)
class Rule:
    """A demand on every resource of one kind.

    `holds` says whether a resource meets it; a resource may look at its neighbours in the stack.
    """

    name: str
    demand: str
    kind: type[cdk.CfnResource]
    holds: Callable[[Any], bool]

    def concerns(self, node: IConstruct) -> bool:
        """Whether the rule has something to say about the construct."""
        return isinstance(node, self.kind)

    def is_broken_by(self, node: IConstruct) -> bool:
        """Whether the construct breaks the rule and nobody gave a reason for it."""
        return self.concerns(node) and not self.holds(node) and not _is_accepted(self.name, node)


def accept_rule(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept that `construct` and everything below it break the rules `{name: reason}`."""
    construct.node.add_metadata(ACCEPTED, dict(reasons))


def read(resource: cdk.CfnResource, name: str) -> Any:  # noqa: ANN401 - whatever a template may hold there
    """Return a property as the template will have it, with the construct library's spelling of its members; None if it is absent."""
    head, *tail = name.split("_")
    properties = resource._cfn_properties  # noqa: SLF001 - protected, not private: what subclasses and aspects read
    return cdk.Stack.of(resource).resolve(properties.get(head + "".join(part.title() for part in tail)))


def read_keys(value: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a mapping's members by their names in lower case: properties come in the spelling of whoever set them."""
    return {name.lower(): member for name, member in (value or {}).items()}


def list_neighbours(resource: cdk.CfnResource, kind: type[cdk.CfnResource]) -> Iterator[Any]:
    """Yield the resources of a kind in the same stack."""
    yield from (node for node in cdk.Stack.of(resource).node.find_all() if isinstance(node, kind))


def refers_to(value: Any, resource: cdk.CfnResource) -> bool:  # noqa: ANN401 - a resolved property
    """Whether a property of the same stack refers to the resource, by `Ref` or by one of its attributes."""
    logical_id = cdk.Stack.of(resource).resolve(resource.logical_id)
    if isinstance(value, list):
        return any(refers_to(part, resource) for part in value)
    if not isinstance(value, dict):
        return False
    attribute = value.get("Fn::GetAtt") or [None]
    return logical_id in (value.get("Ref"), attribute[0]) or any(refers_to(part, resource) for part in value.values())


def _is_accepted(name: str, node: IConstruct) -> bool:
    return any(entry.type == ACCEPTED and name in entry.data for each in node.node.scopes for entry in each.node.metadata)
