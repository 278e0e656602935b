"""Places every stack of a stage and connects them."""

import aws_cdk as cdk

from stacks.alerts import AlertsStack
from stacks.aspects.checks import OwnRules
from stacks.backend import BackendInputs, BackendStack
from stacks.config import StageConfig
from stacks.cost import CostStack
from stacks.data_plane import DataPlane
from stacks.dns import DnsStack
from stacks.functions import FunctionInputs, FunctionsStack
from stacks.gateway import GatewayStack
from stacks.idempotency import IdempotencyStack
from stacks.mail import MailStack
from stacks.mail_policy import MailPolicyStack
from stacks.metadata import MetadataStack
from stacks.network import NetworkStack
from stacks.observability import ObservabilityStack, ObservedStacks
from stacks.prediction_log import PredictionLogStack
from stacks.public_api import PublicApiInputs, PublicApiStack
from stacks.queues import QueuesStack
from stacks.registry import RegistryStack
from stacks.spark import SparkStack
from stacks.storage import StorageStack
from stacks.trainer import TrainerInputs, TrainerStack
from stacks.warehouse import WarehouseStack
from stacks.worker import WorkerInputs, WorkerStack


def build_stacks(app: cdk.App, config: StageConfig) -> OwnRules:
    """Add all stacks of the stage to `app`, in the order in which they need each other; return the rules they are held against."""
    cdk.Tags.of(app).add("app", "presage")
    alerts = AlertsStack(app, config=config)
    network = NetworkStack(app, config=config)
    storage = StorageStack(app, config=config)
    data = DataPlane(
        storage=storage,
        prediction_log=PredictionLogStack(app, config=config),
        queues=QueuesStack(app, config=config, topic=alerts.topic),
        metadata=MetadataStack(app, config=config, network=network, topic=alerts.topic),
        warehouse=WarehouseStack(app, config=config, network=network, storage=storage),
    )
    functions = FunctionInputs(
        alerts=alerts, storage=storage, queues=data.queues, prediction_log=data.prediction_log, warehouse=data.warehouse
    )
    public_api, gateway = _build_services(app, config, network=network, data=data, alerts=alerts)
    observed = ObservedStacks(alerts, data, FunctionsStack(app, config=config, inputs=functions), public_api, gateway)
    ObservabilityStack(app, config=config, observed=observed)
    CostStack(app, config=config, topic=alerts.topic)
    rules = OwnRules()
    cdk.Aspects.of(app).add(rules, priority=cdk.AspectPriority.READONLY)
    return rules


def _build_services(
    app: cdk.App, config: StageConfig, *, network: NetworkStack, data: DataPlane, alerts: AlertsStack
) -> tuple[PublicApiStack, GatewayStack]:
    images = RegistryStack(app, config=config).repositories
    spark = SparkStack(app, config=config, network=network, storage=data.storage)
    public_api = PublicApiStack(
        app,
        config=config,
        inputs=PublicApiInputs(
            network=network,
            storage=data.storage,
            prediction_log=data.prediction_log,
            idempotency=IdempotencyStack(app, config=config),
            queues=data.queues,
            metadata=data.metadata,
            repository=images["public_api"],
            topic=alerts.topic,
        ),
    )
    trainer = TrainerStack(
        app,
        config=config,
        inputs=TrainerInputs(network=network, storage=data.storage, cluster=public_api.cluster, repository=images["trainer"]),
    )
    dns = DnsStack(app, config=config)
    gateway = GatewayStack(app, config=config, public_api=public_api, dns=dns)
    MailPolicyStack(app, config=config, dns=dns, gateway=gateway)
    mail = MailStack(app, config=config, dns=dns, topic=alerts.topic)
    backend = BackendStack(app, config=config, inputs=BackendInputs(network=network, data=data, gateway=gateway, dns=dns, mail=mail))
    inputs = WorkerInputs(network=network, data=data, spark=spark, trainer=trainer, mail=mail)
    worker = WorkerStack(app, config=config, inputs=inputs)
    worker.add_dependency(backend, "The backend's deployment brings the schemas up to date.")
    return public_api, gateway
