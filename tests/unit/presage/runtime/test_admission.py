"""Load is shed by the time that it would wait."""

import math

import pytest

from presage.errors import OverloadedError
from presage.runtime.admission import Admission


def test_more_than_the_bound_at_once_are_refused_and_counted() -> None:
    admission = Admission(max_wait_seconds=math.inf, max_running=2)
    admission.enter()
    admission.enter()
    with pytest.raises(OverloadedError):
        admission.enter()
    admission.leave(0.0)
    admission.enter()
    assert (admission.running, admission.refused) == (2, 1)


def test_heavy_requests_are_refused_where_light_ones_are_not() -> None:
    admission = Admission(max_wait_seconds=0.004, max_running=1000)
    for _ in range(5):
        admission.enter()
    for _ in range(5):
        admission.leave(0.0001)
    for _ in range(100):
        admission.enter()
        admission.leave(0.005)
    admission.enter()
    with pytest.raises(OverloadedError):
        admission.enter()
    admission.leave(0.005)
    admission.enter()
