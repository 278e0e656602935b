"""The stratified sample: exact size, rare classes, unbiased weights, mergeable."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.features.profiling.hashing import hash_words
from presage.features.profiling.sampling import CLASS_QUOTA, CLASSES_AT_MOST, Classes, SampledRows, StratifiedSample

SHARES = (0.9, 0.09, 0.0099, 0.0001)


def draw_classes(seed: int, rows: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(len(SHARES), rows, p=SHARES)


def fill(sample: StratifiedSample, numbers: np.ndarray, kinds: np.ndarray, *, piece: int = 10_000) -> StratifiedSample:
    """Labels come in another order in each piece, as dictionaries do."""
    for start in range(0, numbers.size, piece):
        taken, kind = numbers[start : start + piece], kinds[start : start + piece]
        labels = list(dict.fromkeys(kind.tolist()))
        codes = np.array([labels.index(one) for one in kind.tolist()], dtype=np.int64)
        rows = pa.record_batch({"number": taken, "kind": kind})
        sample.add(rows, hash_words(taken), {"kind": Classes([f"k{label}" for label in labels], codes)})
    return sample


def list_numbers(sampled: SampledRows) -> list[int]:
    return list(sampled.rows.column("number").to_pylist())


@given(st.integers(0, 1_000), st.integers(0, 300), st.integers(0, 400), st.integers(0, 400))
def test_merging_gives_the_sample_of_all_rows(seed: int, size: int, first: int, second: int) -> None:
    kinds, numbers = draw_classes(seed, first + second), np.arange(first + second, dtype=np.int64) + seed * 1_000
    merged = fill(StratifiedSample(size), numbers[:first], kinds[:first], piece=37)
    merged.merge(fill(StratifiedSample(size), numbers[first:], kinds[first:], piece=101))
    whole = fill(StratifiedSample(size), numbers[::-1].copy(), kinds[::-1].copy())
    if not first + second:
        assert merged.choose().rows is None
        return
    assert list_numbers(merged.choose()) == list_numbers(whole.choose())
    assert merged.choose().weights.tolist() == whole.choose().weights.tolist()
    assert len(list_numbers(whole.choose())) == min(size, first + second)


def test_rare_classes_survive_and_the_size_is_exact() -> None:
    kinds, numbers = draw_classes(1, 200_000), np.arange(200_000, dtype=np.int64)
    sampled = fill(StratifiedSample(1_000), numbers, kinds).choose()
    there, taken = np.bincount(kinds), np.bincount(np.array(sampled.rows.column("kind").to_pylist()))
    assert len(set(list_numbers(sampled))) == 1_000
    assert 0 < there[3] < CLASS_QUOTA
    assert taken[3] == there[3]
    assert taken[2] >= CLASS_QUOTA
    rare = np.array(sampled.rows.column("kind").to_pylist()) == 3
    assert (sampled.weights[rare] == 1.0).all()


def test_all_rows_of_a_small_version_weigh_one() -> None:
    sampled = fill(StratifiedSample(100), np.arange(60, dtype=np.int64), draw_classes(2, 60)).choose()
    assert sampled.weights.tolist() == [1.0] * 60


def test_weighted_sums_estimate_those_of_all_rows() -> None:
    rows, totals, of_kinds = 20_000, [], []
    kinds = draw_classes(5, rows)
    for seed in range(200):
        numbers = np.arange(rows, dtype=np.int64) + seed * rows
        sampled = fill(StratifiedSample(200), numbers, kinds).choose()
        chosen = np.array(sampled.rows.column("kind").to_pylist())
        totals.append(sampled.weights.sum())
        of_kinds.append([sampled.weights[chosen == kind].sum() for kind in range(len(SHARES))])
    for found, true in [(np.array(totals), rows), *((np.array(of_kinds)[:, kind], (kinds == kind).sum()) for kind in range(3))]:
        assert abs(found.mean() - true) < 4 * found.std() / np.sqrt(len(totals))


def test_a_column_of_many_values_has_no_classes() -> None:
    numbers = np.arange(50_000, dtype=np.int64)
    sample, plain = StratifiedSample(500), StratifiedSample(500)
    for start in range(0, 50_000, 10_000):
        taken = numbers[start : start + 10_000]
        labels = [f"{start}-{place}" for place in range(CLASSES_AT_MOST)]
        sample.add(pa.record_batch({"number": taken}), hash_words(taken), {"kind": Classes(labels, taken % CLASSES_AT_MOST)})
        plain.add(pa.record_batch({"number": taken}), hash_words(taken), {"kind": None})
    assert list_numbers(sample.choose()) == list_numbers(plain.choose())


@pytest.mark.parametrize("size", [0, 1])
def test_a_sample_too_small_for_classes_is_the_smallest_hashes(size: int) -> None:
    numbers = np.arange(5_000, dtype=np.int64)
    assert (
        list_numbers(fill(StratifiedSample(size), numbers, draw_classes(3, 5_000)).choose())
        == np.argsort(hash_words(numbers))[:size].tolist()
    )
