import pytest

from presage.stats.effect import Sample
from presage.stats.inconclusive import Inconclusive
from presage.stats.proportion import summarise_proportion


def test_a_share_and_the_variance_of_one_outcome() -> None:
    found = summarise_proportion(400.0, 80.0)
    assert isinstance(found, Sample)
    assert (found.units, found.mean, found.variance) == pytest.approx((400.0, 0.2, 0.16))


def test_without_units_there_is_no_share() -> None:
    assert summarise_proportion(0.0, 0.0) == Inconclusive("an arm has no units")
