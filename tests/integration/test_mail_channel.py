"""Mail through the emulated SES, read back where it keeps what was sent."""

from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from localstack.mails import read_mails
from presage.adapters.client import build_client
from presage.adapters.ses.mail_channel import SesMailChannel
from presage.adapters.ses.sender import SesSender
from presage.notifications.model import Envelope
from tests.fixtures.metadata_rows import make_notification, unique

pytestmark = pytest.mark.integration


@pytest.fixture
def domain(emulator: str) -> str:
    assert emulator
    name = f"{unique('d').replace('_', '')[:20]}.example"
    client = boto3.client("ses")
    client.verify_domain_identity(Domain=name)
    return name


def test_a_mail_is_sent_as_text_and_as_html_in_which_nothing_of_the_text_is_markup(domain: str, emulator: str) -> None:
    channel = SesMailChannel(SesSender(build_client("sesv2"), sender=f"notifications@{domain}", configuration_set="notifications"))
    recipient = f"{unique('ann')}@example.com"
    notification = replace(
        make_notification("ws_1"), subject="Import file failed\r\nbcc: eve@example.com", body='<script>alert("x")</script> & 3 of 3'
    )

    receipt = channel.send(Envelope(recipient, "dlv_1", notification, (), datetime.now(UTC)))

    (mail,) = read_mails(emulator, recipient)
    assert receipt.verdict == "delivered"
    assert mail["MessageId"] in receipt.message
    assert (mail["Source"], mail["To"], mail["BCC"]) == (f"notifications@{domain}", [recipient], [])
    assert mail["Subject"] == "Import file failed bcc: eve@example.com"
    assert mail["BodyText"].startswith(
        '<script>alert("x")</script> & 3 of 3\n\nWorkspace ws_1, event import_file.succeeded, at 2026-03-01 12:30'
    )
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; 3 of 3" in mail["BodyHtml"]
    assert "<script" not in mail["BodyHtml"]


def test_a_sender_that_is_no_identity_is_refused(emulator: str) -> None:
    channel = SesMailChannel(
        SesSender(build_client("sesv2"), sender=f"notifications@{unique('x')}.invalid", configuration_set="notifications")
    )
    recipient = f"{unique('ann')}@example.com"

    receipt = channel.send(Envelope(recipient, "dlv_1", make_notification("ws_1"), (), datetime.now(UTC)))

    assert (receipt.verdict, receipt.message) == ("refused", "SES refused it: MessageRejected")
    assert read_mails(emulator, recipient) == []
