"""Every queue has a consumer, dead letters and an alarm; messages stay invisible longer than their consumer runs."""

from typing import Any

import pytest

from tests.fixtures.synthesis import STAGES, Synthesis, read_synthesis

_DAEMON = "aws:elasticbeanstalk:sqsd"


@pytest.fixture(scope="module", params=STAGES)
def synthesis(request: pytest.FixtureRequest) -> Synthesis:
    return read_synthesis(request.param)


def is_dead_letters(queue: dict[str, Any]) -> bool:
    return "RedrivePolicy" not in queue["Properties"]


def find_exports(synthesis: Synthesis) -> dict[str, str]:
    """`<stack>/<logical id>` of what each export names."""
    found = {}
    for stack, template in synthesis.templates.items():
        for output in template.get("Outputs", {}).values():
            value = output["Value"]
            logical_id = value.get("Ref") or value.get("Fn::GetAtt", [None])[0] if isinstance(value, dict) else None
            if "Export" in output and logical_id:
                found[output["Export"]["Name"]] = f"{stack}/{logical_id}"
    return found


def test_every_queue_has_a_consumer(synthesis: Synthesis) -> None:
    exports = find_exports(synthesis)
    consumed = {
        exports[mapping["Properties"]["EventSourceArn"]["Fn::ImportValue"]]
        for mapping in synthesis.resources("AWS::Lambda::EventSourceMapping").values()
    }
    for environment in synthesis.resources("AWS::ElasticBeanstalk::Environment").values():
        for option in environment["Properties"]["OptionSettings"]:
            if (option["Namespace"], option["OptionName"]) == (_DAEMON, "WorkerQueueURL"):
                consumed.add(exports[option["Value"]["Fn::ImportValue"]])
    queues = {name for name, queue in synthesis.resources("AWS::SQS::Queue").items() if not is_dead_letters(queue)}
    assert consumed == queues


def test_every_queue_has_dead_letters_that_last_longer_and_are_encrypted(synthesis: Synthesis) -> None:
    queues = synthesis.resources("AWS::SQS::Queue")
    for name, queue in queues.items():
        properties = queue["Properties"]
        assert properties["SqsManagedSseEnabled"] is True, name
        if is_dead_letters(queue):
            continue
        target = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        dead = queues[f"{name.split('/')[0]}/{target}"]["Properties"]
        assert dead["MessageRetentionPeriod"] > properties["MessageRetentionPeriod"], name


def test_what_a_message_points_to_outlasts_the_message_and_its_redrive(synthesis: Synthesis) -> None:
    longest_seconds = sum(max(values) for values in _list_retentions(synthesis))
    expiries = [
        rule["ExpirationInDays"]
        for bucket in synthesis.resources("AWS::S3::Bucket").values()
        for rule in bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", [])
        if {"Key": "presage", "Value": "staging"} in rule.get("TagFilters", [])
    ]
    assert len(expiries) == 1
    assert expiries[0] * 86_400 > 2 * longest_seconds


def _list_retentions(synthesis: Synthesis) -> tuple[list[int], list[int]]:
    """Retentions in seconds of the queues that are consumed, and of the dead letters."""
    consumed: list[int] = []
    dead: list[int] = []
    for queue in synthesis.resources("AWS::SQS::Queue").values():
        (dead if is_dead_letters(queue) else consumed).append(queue["Properties"]["MessageRetentionPeriod"])
    return consumed, dead


def test_every_queue_raises_an_alarm_that_somebody_gets(synthesis: Synthesis) -> None:
    watched = set()
    for name, alarm in synthesis.resources("AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        if properties["Namespace"] == "AWS/SQS":
            assert properties["AlarmActions"], name
            queue = next(each["Value"]["Fn::GetAtt"][0] for each in properties["Dimensions"] if each["Name"] == "QueueName")
            watched.add((f"{name.split('/')[0]}/{queue}", properties["MetricName"]))
    for name, queue in synthesis.resources("AWS::SQS::Queue").items():
        metric = "ApproximateNumberOfMessagesVisible" if is_dead_letters(queue) else "ApproximateAgeOfOldestMessage"
        assert (name, metric) in watched


def test_functions_take_batches_and_name_what_failed_before_the_message_reappears(synthesis: Synthesis) -> None:
    exports, queues = find_exports(synthesis), synthesis.resources("AWS::SQS::Queue")
    for name, mapping in synthesis.resources("AWS::Lambda::EventSourceMapping").items():
        properties = mapping["Properties"]
        function = synthesis.resources("AWS::Lambda::Function")[f"{name.split('/')[0]}/{properties['FunctionName']['Ref']}"]
        queue = queues[exports[properties["EventSourceArn"]["Fn::ImportValue"]]]
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["MaximumBatchingWindowInSeconds"] > 0
        assert queue["Properties"]["VisibilityTimeout"] >= 6 * function["Properties"]["Timeout"]


def test_the_daemon_waits_less_than_a_message_stays_invisible(synthesis: Synthesis) -> None:
    for environment in synthesis.resources("AWS::ElasticBeanstalk::Environment").values():
        options = {
            option["OptionName"]: option["Value"]
            for option in environment["Properties"]["OptionSettings"]
            if option["Namespace"] == _DAEMON
        }
        if options:
            assert int(options["VisibilityTimeout"]) > int(options["InactivityTimeout"])


def test_new_manifests_start_the_profile_function(synthesis: Synthesis) -> None:
    (notification,) = synthesis.resources("Custom::S3BucketNotifications").values()
    (configuration,) = notification["Properties"]["NotificationConfiguration"]["LambdaFunctionConfigurations"]
    assert configuration["Filter"] == {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".manifest.json"}]}}
    assert "ProfileFeatureSet" in configuration["LambdaFunctionArn"]["Fn::GetAtt"][0]


def test_profiles_get_one_whole_processor_and_leave_its_threads_to_the_parts(synthesis: Synthesis) -> None:
    functions = (each["Properties"] for each in synthesis.resources("AWS::Lambda::Function").values())
    (function,) = (each for each in functions if each["Handler"] == "lambdas.profile_feature_set.handler.handle")
    assert function["MemorySize"] == 1_769
    assert function["Environment"]["Variables"]["OPENBLAS_NUM_THREADS"] == "1"
