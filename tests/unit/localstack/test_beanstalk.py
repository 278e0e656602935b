import pytest

from localstack.beanstalk import DAEMON_NAMESPACE, list_daemon_arguments, read_processes
from localstack.program import StartError


def test_a_procfile_names_processes_with_their_words() -> None:
    assert read_processes('web: gunicorn "app:create()"\n\nother: sleep 1\n') == {
        "web": ("gunicorn", "app:create()"),
        "other": ("sleep", "1"),
    }


def test_a_malformed_procfile_is_refused() -> None:
    with pytest.raises(ValueError, match="expected `name: command`, not 'gunicorn'"):
        read_processes("gunicorn\n")


def test_the_daemon_gets_the_deployed_settings() -> None:
    settings = {"WorkerQueueURL": "http://queue", "InactivityTimeout": "60", "VisibilityTimeout": "360", "MaxRetries": "5"}
    options = {(DAEMON_NAMESPACE, name): value for name, value in settings.items()} | {("aws:other", "HttpPath"): "/no"}

    arguments = list_daemon_arguments(options)

    assert arguments == ("--queue-url", "http://queue", "--visibility-timeout", "360", "--inactivity-timeout", "60")


def test_a_setting_that_the_local_daemon_lacks_is_named() -> None:
    options = {(DAEMON_NAMESPACE, "WorkerQueueURL"): "http://queue", (DAEMON_NAMESPACE, "ConnectTimeout"): "5"}
    with pytest.raises(StartError, match="knows no ConnectTimeout"):
        list_daemon_arguments(options)
