from localstack.stand_ins import classify


def test_what_containers_change_is_said_only_where_they_run() -> None:
    service, rule = "AWS::ECS::Service", "AWS::ElasticLoadBalancingV2::ListenerRule"

    assert classify(service)[0] == "bridged"
    assert classify(rule)[0] == "stub"
    assert classify(service, containers=True)[0] == classify(rule, containers=True)[0] == "emulated"
    assert "delivery's own controller" in classify(service, containers=True)[1]


def test_what_containers_do_not_change_stays() -> None:
    for type_name in ("AWS::RDS::DBInstance", "AWS::EC2::VPC", "AWS::SQS::Queue"):
        assert classify(type_name, containers=True) == classify(type_name)
