"""Webhooks against a real server, which verifies, fails, hangs, trickles, redirects and answers without end."""

import datetime as dt
import resource
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from presage.adapters.http.webhook_channel import HttpWebhookChannel
from presage.notifications.model import Envelope
from presage.notifications.signing import build_body, new_secret, sign
from tests.fixtures.hooks import Receiver, receiving, verify
from tests.fixtures.metadata_rows import make_notification

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        found.secrets = [new_secret()]
        yield found


def build_envelope(url: str, secrets: Sequence[str]) -> Envelope:
    return Envelope(url, "dlv_1", make_notification("ws_1"), tuple(secrets), dt.datetime.now(dt.UTC))


def build_channel(**changes: object) -> HttpWebhookChannel:
    return HttpWebhookChannel(**({"allow_loopback": True, "deadline_seconds": 1.0} | changes))  # type: ignore[arg-type]


def test_a_receiver_can_tell_that_it_is_ours_and_of_now(receiver: Receiver) -> None:
    envelope = build_envelope(f"{receiver.url}in?from=presage", receiver.secrets)

    receipt = build_channel().send(envelope)

    (call,) = receiver.verified
    assert (receipt.verdict, receipt.status) == ("delivered", 200)
    assert call["path"] == "/in?from=presage"
    assert call["body"]["id"] == call["headers"]["idempotency-key"] == envelope.notification.notification_id
    assert (call["body"]["event"], call["headers"]["presage-delivery"]) == ("import_file.succeeded", "dlv_1")
    assert call["headers"]["host"] == receiver.url.split("/")[2]
    signature, raw, secret = call["headers"]["presage-signature"], call["raw"], receiver.secrets[0]
    assert not verify(raw + b" ", signature, secret, now=time.time())
    assert not verify(raw, signature, new_secret(), now=time.time())
    assert not verify(raw, signature, secret, now=time.time() + 301)
    assert secret.encode() not in raw
    assert secret not in str(call["headers"])


def test_during_a_rotation_either_secret_verifies(receiver: Receiver) -> None:
    old, new = new_secret(), new_secret()
    for held in ([old], [new]):
        receiver.secrets = held
        build_channel().send(build_envelope(receiver.url, [new, old]))
    receiver.secrets = [new_secret()]
    build_channel().send(build_envelope(receiver.url, [new, old]))
    assert [call["is_ours"] for call in receiver.calls] == [True, True, False]


def test_a_status_that_is_no_success_is_told(receiver: Receiver) -> None:
    receiver.answers = [500, 400, 410, 204]
    receipts = [build_channel().send(build_envelope(receiver.url, receiver.secrets)) for _ in range(4)]
    assert [(receipt.verdict, receipt.status) for receipt in receipts] == [
        ("failed", 500),
        ("failed", 400),
        ("refused", 410),
        ("delivered", 204),
    ]
    assert receipts[0].message == "Answered 500: broken  [31m"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    receiver.answers = [status]
    receipt = build_channel().send(build_envelope(receiver.url, receiver.secrets))
    assert (receipt.verdict, receipt.status) == ("failed", status)
    assert [call["path"] for call in receiver.calls] == ["/"]


@pytest.mark.parametrize("misbehaviour", ["hang", "trickle"])
def test_who_answers_nothing_whole_is_left_at_the_deadline(receiver: Receiver, misbehaviour: str) -> None:
    receiver.answers = [misbehaviour]
    receipt = build_channel().send(build_envelope(receiver.url, receiver.secrets))
    assert (receipt.verdict, receipt.status) == ("failed", None)
    assert "within 1 s" in receipt.message or "timed out" in receipt.message


def test_a_dropped_connection_and_a_closed_port_are_failures(receiver: Receiver) -> None:
    receiver.answers = ["drop"]
    url = receiver.url
    assert build_channel().send(build_envelope(url, receiver.secrets)).verdict == "failed"
    with receiving() as gone:
        closed = gone.url
    assert "refused" in build_channel().send(build_envelope(closed, receiver.secrets)).message


def test_of_an_answer_of_a_gigabyte_a_kilobyte_is_read(receiver: Receiver) -> None:
    receiver.answers = ["huge"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    receipt = build_channel(deadline_seconds=30.0).send(build_envelope(receiver.url, receiver.secrets))
    assert (receipt.verdict, receipt.status) == ("failed", 500)
    assert len(receipt.message) < 300
    assert receiver.written_bytes < 64 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_where_loopback_is_not_allowed_nothing_arrives(receiver: Receiver) -> None:
    closed = build_channel(allow_loopback=False)
    assert closed.send(build_envelope(receiver.url, receiver.secrets)).verdict == "failed"
    secured = receiver.url.replace("http:", "https:")
    receipt = closed.send(build_envelope(secured, receiver.secrets))
    assert "not public" in receipt.message
    assert "127.0.0.1" not in receipt.message
    assert receiver.calls == []


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(receiver: Receiver) -> None:
    asked: list[str] = []

    def rebind(host: str, port: int) -> Sequence[str]:
        asked.append(f"{host}:{port}")
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    port = receiver.url.split(":")[2].rstrip("/")
    channel = build_channel(resolver=rebind)
    receipt = channel.send(build_envelope(f"http://rebinding.example:{port}/", receiver.secrets))

    assert (receipt.verdict, asked) == ("delivered", [f"rebinding.example:{port}"])
    assert receiver.verified[0]["headers"]["host"] == f"rebinding.example:{port}"
    assert "not public" in channel.send(build_envelope(f"http://rebinding.example:{port}/", receiver.secrets)).message
    assert len(receiver.calls) == 1


def test_over_tls_the_certificate_is_held_against_the_name(tmp_path: Path) -> None:
    authority, certificate = tmp_path / "authority.pem", tmp_path / "server.pem"
    issue_certificate("localhost", authority, certificate)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(authority))
    with receiving(serving) as receiver:
        receiver.secrets = [new_secret()]
        loopback = {"context": trusting, "resolver": lambda _host, _port: ["127.0.0.1"]}
        right = build_channel(**loopback).send(build_envelope(receiver.url, receiver.secrets))
        wrong = build_channel(**loopback).send(build_envelope(receiver.url.replace("localhost", "other.example"), receiver.secrets))
        unknown = build_channel().send(build_envelope(receiver.url, receiver.secrets))

    assert right.verdict == "delivered"
    assert "certificate is not valid" in wrong.message
    assert "certificate is not valid" in unknown.message
    assert len(receiver.verified) == 1


def test_the_documented_example_is_the_one_that_verifies() -> None:
    page = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    example = page.split("```python\n")[1].split("```")[0]
    scope: dict[str, object] = {}
    exec(compile(example, "docs/webhooks.md", "exec"), scope)  # noqa: S102 - our own documentation

    secret, body = new_secret(), build_body(make_notification("ws_1"))
    documented = scope["verify"]
    assert callable(documented)
    now = int(time.time())
    header = sign(body, [new_secret(), secret], timestamp=now)
    assert documented(body, header, secret)
    assert not documented(body + b" ", header, secret)
    assert not documented(body, header, new_secret())
    assert not documented(body, sign(body, [secret], timestamp=now - 301), secret)
    assert len(example.strip().splitlines()) <= 12


def issue_certificate(host: str, authority: Path, certificate: Path) -> None:
    """Write a certificate that signs itself, and the same with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = built.public_bytes(serialization.Encoding.PEM)
    authority.write_bytes(text)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate.write_bytes(text + key.private_bytes(*form))
