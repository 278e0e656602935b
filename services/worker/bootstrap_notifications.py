"""Puts together what notifying outside needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import SystemRandom

from presage.adapters.client import build_client
from presage.adapters.http.webhook_channel import HttpWebhookChannel
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.adapters.ses.mail_channel import SesMailChannel
from presage.adapters.ses.sender import SesSender
from presage.adapters.sql.stores import SqlStores
from presage.notifications.delivering import DeliveryPorts
from presage.notifications.dispatch import DispatchPorts
from services.worker.settings import WorkerSettings


def build_delivery_ports(settings: WorkerSettings, sql: SqlStores, *, clock: Callable[[], datetime]) -> DeliveryPorts:
    """Return them on real channels. Nothing is connected yet."""
    sender = SesSender(build_client("sesv2"), sender=settings.mail_sender, configuration_set=settings.mail_configuration_set)
    return DeliveryPorts(
        dispatch=DispatchPorts(sql.notifications, sql.webhooks, sql.mail_settings),
        notifications=sql.notifications,
        deliveries=sql.deliveries,
        credentials=SecretCredentialStore(build_client("secretsmanager"), stage=settings.stage),
        channels={"webhook": HttpWebhookChannel(allow_loopback=settings.webhook_loopback), "mail": SesMailChannel(sender)},
        clock=clock,
        draw=SystemRandom().random,
    )
