"""The simulated shoppers act on what they are shown, and on nothing else."""

from dataclasses import replace
from datetime import datetime

import pytest

from demo.simulated import (
    DEFAULT,
    KEEN_PAGES,
    MOST_PAGES,
    MOVED,
    OFFERED,
    START,
    UNMOVED,
    WINDOW,
    Product,
    build_scenario,
    compute_true_effect,
    draw_shoppers,
)

SMALL = replace(MOVED, units=4_000)
MIN_DAYS = 7
ANSWERS = {pages: OFFERED if pages >= KEEN_PAGES else DEFAULT for pages in range(1, MOST_PAGES + 1)}


def test_the_same_seed_draws_the_same_shoppers() -> None:
    assert draw_shoppers(SMALL) == draw_shoppers(SMALL) != draw_shoppers(replace(SMALL, seed=1))


def test_shoppers_come_once_each_in_time_order_and_their_purchases_are_known_when_the_window_closes() -> None:
    shoppers = draw_shoppers(SMALL)

    assert len({shopper.unit for shopper in shoppers}) == SMALL.units
    assert [shopper.at for shopper in shoppers] == sorted(shopper.at for shopper in shoppers)
    assert all(START < shopper.at < shopper.purchase_known_at < shopper.at + WINDOW for shopper in shoppers)


@pytest.mark.parametrize(("product", "gained"), [(SMALL, 0.04), (replace(UNMOVED, units=4_000), 0.0)])
def test_the_voucher_adds_its_lift_and_loses_no_buyer(product: Product, gained: float) -> None:
    shoppers = draw_shoppers(product)

    without = {shopper.unit for shopper in shoppers if shopper.buys(DEFAULT, product)}
    offered = {shopper.unit for shopper in shoppers if shopper.buys(OFFERED, product)}

    assert without <= offered
    assert len(without) / product.units == pytest.approx(0.05, abs=0.012)
    assert (len(offered) - len(without)) / product.units == pytest.approx(gained, abs=0.012)


def test_the_true_effect_is_that_of_the_answers_and_none_where_nothing_moves() -> None:
    shoppers = draw_shoppers(SMALL)
    keen = [shopper for shopper in shoppers if ANSWERS[shopper.pages] == OFFERED]
    gained = [shopper for shopper in keen if shopper.buys(OFFERED, SMALL) and not shopper.buys(DEFAULT, SMALL)]

    assert compute_true_effect(shoppers, SMALL, ANSWERS) == len(gained) / len(shoppers) > 0
    assert compute_true_effect(shoppers, SMALL, dict.fromkeys(ANSWERS, DEFAULT)) == 0
    assert compute_true_effect(shoppers, UNMOVED, ANSWERS) == 0


def test_only_the_last_look_comes_after_seven_whole_days_and_every_window() -> None:
    shoppers = draw_shoppers(SMALL)

    scenario = build_scenario(SMALL, shoppers)

    assert scenario.looks[-1] >= shoppers[-1].at + WINDOW
    assert [(look - shoppers[0].at).days >= MIN_DAYS for look in scenario.looks] == [False] * 7 + [True]


def test_history_ends_before_the_first_shopper_comes() -> None:
    history = [record for plan in build_scenario(SMALL, draw_shoppers(SMALL)).datasets for record in plan.history]

    assert history
    assert all(datetime.fromisoformat(str(record["known_timestamp"])) < START for record in history)
