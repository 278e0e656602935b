"""Mails of accounts: a link in two forms, and answers that say what to do."""

from typing import Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from presage.adapters.ses.account_mail import SesAccountMail, build_content
from presage.adapters.ses.sender import SesSender
from presage.errors import InvalidInputError, UnavailableError
from presage.tenancy.accounts.mails import Mail, build_invitation_mail

MAIL = Mail("Subject", ("Before <b>",), "https://app.example/reset/t-o_k?a&b", ("After & out",))


def test_the_link_is_in_the_text_and_an_anchor_in_the_html() -> None:
    simple = cast("dict[str, Any]", build_content(MAIL)["Simple"])
    assert simple["Body"]["Text"]["Data"] == "Before <b>\n\nhttps://app.example/reset/t-o_k?a&b\n\nAfter & out\n"
    assert simple["Body"]["Html"]["Data"] == (
        "<p>Before &lt;b&gt;</p>\n"
        '<p><a href="https://app.example/reset/t-o_k?a&amp;b">https://app.example/reset/t-o_k?a&amp;b</a></p>\n'
        "<p>After &amp; out</p>\n"
    )


def test_names_are_text_in_both_forms() -> None:
    mail = build_invitation_mail("https://app.example/i", inviter="<script>@x.com", workspace="A\r\nB", role="viewer")
    simple = cast("dict[str, Any]", build_content(mail)["Simple"])
    assert "<script" not in simple["Body"]["Html"]["Data"]
    assert "“A B”" in simple["Body"]["Text"]["Data"]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("MessageRejected", 400, InvalidInputError),
        ("SendingPausedException", 400, UnavailableError),
        ("TooManyRequestsException", 429, UnavailableError),
        ("InternalFailure", 500, UnavailableError),
    ],
)
def test_what_was_not_taken_is_told_without_the_link(code: str, status: int, error: type[Exception]) -> None:
    client = boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        for _ in range(5):
            stub.add_client_error("send_email", code, http_status_code=status)
        mail = SesAccountMail(SesSender(client, sender="a@example.com", configuration_set="set"))
        with pytest.raises(error) as refused:
            mail.send("ann@example.com", MAIL)
    assert "t-o_k" not in str(refused.value)


def test_it_is_sent_as_the_sender_and_counted() -> None:
    client = boto3.client("sesv2", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        expected = {
            "FromEmailAddress": "a@example.com",
            "Destination": {"ToAddresses": ["ann@example.com"]},
            "Content": ANY,
            "ConfigurationSetName": "set",
        }
        stub.add_response("send_email", {"MessageId": "m"}, expected)
        SesAccountMail(SesSender(client, sender="a@example.com", configuration_set="set")).send("ann@example.com", MAIL)
        stub.assert_no_pending_responses()
