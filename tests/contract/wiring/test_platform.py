"""What the bundles tell Elastic Beanstalk's platform agrees with what the stacks tell it."""

import re
import subprocess
from pathlib import Path

import pytest

from stacks.constructs import bundles
from tests.fixtures.synthesis import STAGES, read_synthesis

DAEMON = "aws:elasticbeanstalk:sqsd"


@pytest.mark.parametrize("stage", STAGES)
def test_the_workers_proxy_waits_for_a_job_as_long_as_the_daemon_does(stage: str) -> None:
    config = (bundles.build_service("worker") / ".platform/nginx/conf.d/timeouts.conf").read_text()
    waits = {name: int(seconds) for name, seconds in re.findall(r"^(proxy_\w+) (\d+)s;$", config, re.MULTILINE)}
    patience = [
        int(option["Value"])
        for environment in read_synthesis(stage).resources("AWS::ElasticBeanstalk::Environment").values()
        for option in environment["Properties"]["OptionSettings"]
        if (option["Namespace"], option["OptionName"]) == (DAEMON, "InactivityTimeout")
    ]

    assert patience == [waits["proxy_read_timeout"]]


def test_the_backends_hook_may_be_executed() -> None:
    hooks: list[Path] = sorted((bundles.build_service("backend") / ".platform/hooks/predeploy").iterdir())

    assert [hook.name for hook in hooks] == ["10_migrate.sh"]
    assert all(hook.stat().st_mode & 0o111 == 0o111 for hook in hooks)


@pytest.mark.parametrize("service", ["backend", "worker"])
def test_the_hook_finds_the_library_that_is_there(service: str) -> None:
    (hook,) = (bundles.build_service(service) / ".platform/hooks/prebuild").iterdir()

    done = subprocess.run([hook], env={"PATH": "/usr/bin:/bin"}, check=False)  # which has no dnf

    assert done.returncode == 0


@pytest.mark.parametrize("stage", STAGES)
def test_the_worker_is_deployed_after_the_migrations(stage: str) -> None:
    (predecessors,) = (names for stack, names in read_synthesis(stage).predecessors.items() if stack.endswith("-Worker"))
    assert [name for name in predecessors if name.endswith("Backend")]
