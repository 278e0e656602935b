"""A certificate that the command line fetched is the one that was written, so that verifying it means something."""

from __future__ import annotations

from pathlib import Path

import msgspec

from presage.experiments.certificate import decode_certificate, encode_certificate
from presage_cli.output import Output
from presage_client import models as m
from tests.unit.presage.experiments.test_segments import TIER, certify, end_with


def test_a_fetched_certificate_is_the_one_that_was_written(tmp_path: Path) -> None:
    world, _ = end_with((TIER,))
    written = certify(world)
    answered = msgspec.json.decode(encode_certificate(written), type=m.Certificate)

    Output(target=tmp_path / "certificate.json").tell(answered)

    assert decode_certificate((tmp_path / "certificate.json").read_bytes()) == written
