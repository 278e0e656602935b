"""Each sketch against the whole data: within its stated bound, and merged as if it had seen everything."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.features.profiling.distinct import KEPT_HASHES, DistinctCount
from presage.features.profiling.frequencies import EXACT_TEXTS, TextCounts
from presage.features.profiling.hashing import hash_texts, hash_words
from presage.features.profiling.quantiles import EXACT_ROWS, PIECE_ROWS, Numbers, QuantileSketch
from presage.features.profiling.relations import Relations

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
SEEDS = st.integers(0, 2**32 - 1)


def hash_alone(text: str) -> int:
    return int(hash_texts(pa.array([text]))[0])


def sketch(*pieces: Numbers) -> QuantileSketch:
    quantiles = QuantileSketch()
    for piece in pieces:
        quantiles.add_sorted(np.sort(piece))
    return quantiles


def count_texts(*pieces: list[str]) -> TextCounts:
    counts = TextCounts()
    for piece in pieces:
        array = pa.array(piece, type=pa.string())
        if counts.is_exact:
            counts.add_encoded(array.dictionary_encode())
        else:
            counts.add_texts(array)
    return counts


@given(st.lists(st.text(max_size=40), min_size=1, max_size=30))
def test_a_text_hashes_the_same_in_any_company(texts: list[str]) -> None:
    together = hash_texts(pa.array(texts))
    assert together.tolist() == [hash_alone(text) for text in texts]
    assert hash_texts(pa.array(["before", *texts, "after"]).slice(1, len(texts))).tolist() == together.tolist()
    assert len(set(together.tolist())) == len(set(texts))


def test_hashes_stay_what_they_are() -> None:
    """Samples of versions already profiled rest on them."""
    assert [f"{value:016x}" for value in hash_texts(pa.array(["", "a", "r000001", "a longer text than a word"])).tolist()] == HASHES
    assert hash_words(np.array([0.0])).tolist() == hash_words(np.array([-0.0])).tolist()


HASHES = ["9ca066f1a4ab2eea", "9aca277ef5ab240a", "3f0237a87239ba2c", "cca63b06f70abb10"]


def test_a_bit_of_the_input_changes_half_of_the_hash() -> None:
    numbers = np.arange(4_096, dtype=np.int64)
    changed = hash_words(numbers) ^ hash_words(numbers ^ 1)
    bits = np.unpackbits(changed.view(np.uint8)).mean()
    assert abs(bits - 0.5) < 0.01


@pytest.mark.parametrize("count", [0, 1, 100, KEPT_HASHES - 1])
def test_few_distinct_values_are_counted_exactly(count: int) -> None:
    distinct = DistinctCount()
    for _ in range(3):
        distinct.add(hash_words(np.arange(count, dtype=np.int64)))
    assert (distinct.estimate(), distinct.standard_error) == (count, 0.0)


@pytest.mark.parametrize("count", [20_000, 300_000])
def test_many_distinct_values_are_counted_within_the_stated_error(count: int) -> None:
    errors, stated = [], 0.0
    for seed in range(30):
        distinct = DistinctCount()
        distinct.add(hash_words(np.arange(count, dtype=np.int64) + seed * 10_000_000))
        errors.append(distinct.estimate() / count - 1)
        stated = distinct.standard_error
    assert 0.5 * stated < np.sqrt(np.mean(np.square(errors))) < 1.5 * stated


@given(SEEDS, st.integers(1, 60_000), st.integers(0, 60_000))
def test_a_merged_count_of_distinct_values_is_that_of_all(seed: int, first: int, second: int) -> None:
    values = np.random.default_rng(seed).integers(0, 30_000, first + second)
    parts = [DistinctCount(), DistinctCount(), DistinctCount()]
    for part, chosen in zip(parts, (values[:first], values[first:], values), strict=True):
        part.add(hash_words(chosen))
    parts[0].merge(parts[1])
    assert parts[0].list_kept().tolist() == parts[2].list_kept().tolist()
    assert parts[0].estimate() == parts[2].estimate()


@given(st.lists(FINITE, min_size=1, max_size=200), st.integers(0, 200))
def test_quantiles_of_few_rows_are_exact_merged_or_not(values: list[float], cut: int) -> None:
    shares = [0.0, 0.01, 0.25, 0.5, 0.9, 1.0]
    whole = np.array(values)
    merged = sketch(whole[:cut])
    merged.merge(sketch(whole[cut:]))
    assert merged.rank_error == 0
    assert merged.compute_quantiles(shares) == pytest.approx(np.quantile(whole, shares).tolist(), rel=1e-9, abs=1e-9)


def draw(seed: int, rows: int) -> Numbers:
    rng = np.random.default_rng(seed)
    kind = seed % 4
    if kind == 0:
        return rng.normal(size=rows)
    if kind == 1:
        return rng.zipf(1.5, rows).clip(0, 1e12).astype(np.float64)
    if kind == 2:
        return np.full(rows, 7.0)
    return 1.7e9 + rng.random(rows)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("parts", [1, 3])
def test_a_rank_is_never_wrong_by_more_than_the_bound(seed: int, parts: int) -> None:
    pieces = [draw(seed, rows) for rows in (40_000, PIECE_ROWS, 3 * PIECE_ROWS + 17, 5, 300_000) * (1 if parts == 1 else 2)]
    runs = [sketch(*pieces[number::parts]) for number in range(parts)]
    merged = runs[0]
    for run in runs[1:]:
        merged.merge(run)
    whole = np.sort(np.concatenate(pieces))
    assert merged.rows == whole.size > EXACT_ROWS
    assert 0 < merged.rank_error < 0.002 * whole.size
    for share in (0.001, 0.01, 0.3, 0.5, 0.99):
        (value,) = merged.compute_quantiles([share])
        assert value is not None
        low, high = np.searchsorted(whole, value, "left"), np.searchsorted(whole, value, "right")
        wanted = share * (whole.size - 1)
        assert low - merged.rank_error - 1 <= wanted <= high + merged.rank_error + 1
    edges = np.linspace(whole[0], whole[-1], 11)
    counts = merged.count_between(edges)
    assert sum(counts) == whole.size
    for count, true in zip(counts, np.histogram(whole, edges)[0], strict=True):
        assert abs(count - true) <= 2 * merged.rank_error


def test_the_bound_hardly_grows_with_the_number_of_pieces() -> None:
    quantiles = QuantileSketch()
    piece = np.sort(np.random.default_rng(1).normal(size=PIECE_ROWS))
    for _ in range(600):
        quantiles.add_sorted(piece)
    assert quantiles.rank_error / quantiles.rows < 0.0025


@given(st.lists(st.sampled_from("abcdefg"), max_size=300), st.integers(0, 300))
def test_few_texts_are_counted_exactly_merged_or_not(texts: list[str], cut: int) -> None:
    counts = count_texts(texts[:cut])
    counts.merge(count_texts(texts[cut:]))
    assert (counts.is_exact, counts.undercount) == (True, 0)
    assert counts.list_most_frequent(10) == sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))
    assert counts.count_distinct().estimate() == len(set(texts))


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("exponent", [1.2, 1.6])
def test_frequent_texts_are_found_and_counted_within_the_bound(parts: int, exponent: float) -> None:
    rng = np.random.default_rng(3)
    pieces = [[f"t{value}" for value in rng.zipf(exponent, 40_000) % 1_000_000] for _ in range(6)]
    merged = count_texts(*pieces[::parts])
    if parts == 2:
        merged.merge(count_texts(*pieces[1::2]))
    true = Counter(text for piece in pieces for text in piece)
    rows = sum(true.values())
    assert len(true) > EXACT_TEXTS
    assert merged.undercount < 0.002 * rows
    found = dict(merged.list_most_frequent(1_000_000))
    for text, count in found.items():
        assert true[text] - merged.undercount <= count <= true[text]
    assert {text for text, count in true.items() if count > merged.undercount} <= set(found)
    distinct = merged.count_distinct()
    assert abs(distinct.estimate() / len(true) - 1) <= 4 * distinct.standard_error


def relate(values: Numbers, present: np.ndarray) -> Relations:
    relations = Relations(values.shape[0])
    relations.add(np.where(present, values, 0.0), present)
    return relations


@given(SEEDS, st.integers(0, 400))
def test_correlations_are_those_of_the_rows_where_both_have_a_value(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, 400)) * 10 + np.array([[0.0], [1e6], [5.0], [-3.0]])
    values[3] += values[0]
    present = rng.random((4, 400)) > np.array([[0.0], [0.0], [0.3], [0.5]])
    merged = relate(values[:, :cut], present[:, :cut])
    merged.merge(relate(values[:, cut:], present[:, cut:]))
    found = merged.compute_correlations()
    for one in range(4):
        for other in range(4):
            both = present[one] & present[other]
            assert found[one, other] == pytest.approx(np.corrcoef(values[one, both], values[other, both])[0, 1], abs=1e-7)
            assert merged.count_pairs()[one, other] == both.sum()


def test_correlations_that_are_not_defined_are_not_told() -> None:
    values = np.vstack([np.arange(5.0), np.full(5, 0.1), np.array([0.0, 1.0, 2.0, 3.0, 1e200]), np.arange(5.0)])
    present = np.ones((4, 5), dtype=np.bool_)
    present[3] = [True, False, False, False, False]
    found = relate(values, present).compute_correlations()
    assert found[0, 0] == pytest.approx(1.0)
    assert np.isnan(found[0, 1:]).all()
