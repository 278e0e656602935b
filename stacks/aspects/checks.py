"""The aspect that holds every resource against our rules; a broken one ends the synthesis."""

from collections import Counter

import aws_cdk as cdk
import jsii
from constructs import IConstruct

from stacks.aspects import compute_rules, data_rules, edge_rules
from stacks.aspects.rule import Rule

RULES: tuple[Rule, ...] = (*data_rules.RULES, *compute_rules.RULES, *edge_rules.RULES)


@jsii.implements(cdk.IAspect)
class OwnRules:
    """Reports each broken rule as an error at the resource; `met` counts how many resources each rule judged."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()

    def visit(self, node: IConstruct) -> None:
        """Judge one construct."""
        if not isinstance(node, cdk.CfnResource):
            return
        for rule in RULES:
            if rule.concerns(node):
                self.met[rule.name] += 1
                if rule.is_broken_by(node):
                    cdk.Validations.of(node).add_error(f"presage-{rule.name}", f"{rule.name}: {rule.demand}")
