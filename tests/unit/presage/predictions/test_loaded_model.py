"""A loaded model runs and explains; explanations are held against the definition of Shapley values."""

import gc
import itertools
import math
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from presage.errors import CorruptArtifactError
from presage.predictions.loaded_model import LoadedModel, load_model
from presage.training.compiled import Additive, CompiledModel, FloatArray, Forest, Link, encode_compiled
from services.trainer.compiling import compile_pipeline
from tests.fixtures.pipelines import CLASSIFIERS, REGRESSORS, make_classes, make_rows, make_targets
from tests.unit.presage.training.test_compiled import build_additive, build_forest

ROWS = make_rows(300)


def compile_classifier(name: str, classes: int = 2) -> CompiledModel:
    return compile_pipeline(CLASSIFIERS[name]().fit(ROWS, make_classes(ROWS, classes)), ROWS)


def compute_expectation(forest: Forest, model: CompiledModel, row: FloatArray, present: frozenset[int]) -> FloatArray:
    """Return what the trees give when only the present columns are known: an absent one splits a row by covers."""
    sums = np.zeros(model.outputs)

    def walk(node: int, share: float, output: int) -> None:
        given = int(forest.inputs[node])
        if given < 0:
            sums[output] += share * forest.values[node]
            return
        coded = given >= model.columns
        column = model.encodings[given - model.columns].column if coded else given
        left, right = int(forest.left[node]), int(forest.right[node])
        if column not in present:
            for child in (left, right):
                walk(child, share * forest.covers[child] / forest.covers[node], output)
            return
        if coded:
            code = int(model.encodings[given - model.columns].encode(row[column : column + 1])[0])
            goes_left = bool(forest.sets[forest.set_starts[forest.set_of[node]] + code])
        else:
            goes_left = bool(forest.null_left[node]) if math.isnan(row[column]) else row[column] <= forest.thresholds[node]
        walk(left if goes_left else right, share, output)

    for tree, root in enumerate(forest.roots):
        walk(int(root), 1.0, tree % model.outputs)
    return sums


def compute_shapley(model: CompiledModel, row: FloatArray) -> FloatArray:
    """Return the contributions by Shapley's own formula, over all sets of columns."""
    assert isinstance(model.body, Forest)
    columns = range(model.columns)
    sets = [frozenset(chosen) for size in range(model.columns + 1) for chosen in itertools.combinations(columns, size)]
    worth = {chosen: compute_expectation(model.body, model, row, chosen) for chosen in sets}
    found = np.zeros((model.outputs, model.columns))
    for column in columns:
        for chosen in (chosen for chosen in sets if column not in chosen):
            weight = math.factorial(len(chosen)) * math.factorial(model.columns - len(chosen) - 1) / math.factorial(model.columns)
            found[:, column] += weight * (worth[chosen | {column}] - worth[chosen])
    return found


def test_trees_and_sets_are_walked_as_written() -> None:
    model = LoadedModel(build_forest())
    rows = np.array([[0.5, 1.0], [0.6, 1.5], [math.nan, math.nan], [0.0, -1.0], [0.0, -0.9], [9.0, 7.0]])
    assert model.run(rows)[:, 0].tolist() == [11.0, 32.0, 11.0, 21.0, 31.0, 32.0]
    assert [model.run(rows[row : row + 1]).item() for row in range(6)] == [11.0, 32.0, 11.0, 21.0, 31.0, 32.0]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", [*CLASSIFIERS])
def test_a_row_is_answered_the_same_alone_and_beside_others(name: str, classes: int) -> None:
    model = LoadedModel(compile_classifier(name, 2 if name == "boosted by weights" else classes))
    for count in (2, 9, 300):
        together = model.run(ROWS[:count])
        assert (together == np.concatenate([model.run(ROWS[row : row + 1]) for row in range(count)])).all()


def test_many_rows_are_run_without_the_interpreters_lock() -> None:
    model = LoadedModel(compile_classifier("histogram of categories"))
    many = np.tile(ROWS, (8, 1))
    np.testing.assert_array_equal(model.run(many)[:300], model.run(ROWS))


def test_threads_do_not_disturb_each_other() -> None:
    model = LoadedModel(compile_classifier("histogram of categories"))
    expected = model.run(ROWS)
    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(lambda row: model.run(ROWS[row % 300 : row % 300 + 1])[0], range(6_000)))
    assert (np.array(answered) == np.tile(expected, (20, 1))).all()


@pytest.mark.parametrize("name", ["histogram of categories", "boosted on one-hot", "boosted on ordinals", "boosted behind scalers"])
@pytest.mark.parametrize("classes", [2, 3])
def test_tree_explanations_are_the_shapley_values(name: str, classes: int) -> None:
    compiled = compile_classifier(name, classes)
    model = LoadedModel(compiled)
    assert isinstance(compiled.body, Forest)
    nobody = compute_expectation(compiled.body, compiled, ROWS[0], frozenset())
    for row in [*ROWS[:6], np.full(5, np.nan)]:
        explained = model.explain(row)
        np.testing.assert_allclose(explained.contributions, compute_shapley(compiled, row), atol=1e-10)
        np.testing.assert_allclose(explained.base, np.array(compiled.base) + nobody, atol=1e-10)


@pytest.mark.parametrize("name", [*CLASSIFIERS])
@pytest.mark.parametrize("classes", [2, 3])
def test_explanations_of_classes_add_up_to_the_margin(name: str, classes: int) -> None:
    if classes > 2 and name == "boosted by weights":
        classes = 2
    model = LoadedModel(compile_classifier(name, classes))
    assert model.explain(ROWS[0]).scale == ("log_odds" if classes == 2 else "logits")
    for row in ROWS[:40]:
        explained = model.explain(row)
        total = explained.base + explained.contributions.sum(axis=1)
        np.testing.assert_allclose(total, model.compute_margins(row[np.newaxis])[0], atol=1e-9)
        odds = np.exp(total - total.max()) if classes > 2 else np.exp([0.0, total[0]])
        np.testing.assert_allclose(model.run(row[np.newaxis])[0], odds / odds.sum(), atol=1e-9)


@pytest.mark.parametrize("name", [*REGRESSORS])
def test_explanations_of_values_add_up_to_the_value(name: str) -> None:
    model = LoadedModel(compile_pipeline(REGRESSORS[name]().fit(ROWS, make_targets(ROWS)), ROWS))
    assert model.explain(ROWS[0]).scale == "value"
    for row in ROWS[:40]:
        explained = model.explain(row)
        assert explained.base + explained.contributions.sum() == pytest.approx(model.run(row[np.newaxis]).item(), abs=1e-9)


def test_a_linear_models_contribution_is_the_coefficient_times_the_distance_from_the_mean() -> None:
    rows = np.nan_to_num(ROWS[:, :3])
    fitted = REGRESSORS["ridge"]().fit(rows, make_targets(ROWS))
    explained = LoadedModel(compile_pipeline(fitted, rows)).explain(rows[0])
    np.testing.assert_allclose(explained.contributions[0], fitted[-1].coef_ * (rows[0] - rows.mean(axis=0)), atol=1e-9)
    assert explained.base[0] == pytest.approx(fitted.predict(rows).mean())


def test_deep_trees_are_explained_within_1e_minus_6() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(3_000, 25))
    labels = (np.abs(rows).sum(axis=1) + random.normal(size=3_000) > 20).astype(int)
    compiled = compile_pipeline(CLASSIFIERS["histogram"]().set_params(max_leaf_nodes=200, min_samples_leaf=2).fit(rows, labels), rows)
    model = LoadedModel(compiled)
    for row in rows[:20]:
        explained = model.explain(row)
        assert explained.base[0] + explained.contributions.sum() == pytest.approx(model.compute_margins(row[np.newaxis]).item(), abs=1e-9)


def test_a_tree_of_one_leaf_is_only_base() -> None:
    one_class = np.zeros((1, 1))
    leaf = {"inputs": [-1], "left": [-1], "right": [-1], "set_of": [-1], "roots": [0], "set_starts": []}
    arrays: dict[str, Any] = {name: np.array(values, dtype="<i4") for name, values in leaf.items()}
    zeros = {"thresholds": np.zeros(1), "null_left": np.zeros(1, dtype=np.bool_), "sets": np.zeros(0, dtype=np.bool_)}
    forest = Forest(**arrays, **zeros, values=np.array([2.0]), covers=np.array([9.0]))
    model = LoadedModel(CompiledModel(1, 1, "identity", (1.0,), (), forest))
    assert model.run(one_class).tolist() == [[3.0]]
    assert model.explain(one_class[0]).base.tolist() == [3.0]
    assert model.explain(one_class[0]).contributions.tolist() == [[0.0]]


def test_margins_of_any_size_give_probabilities() -> None:
    slopes = np.array([[1.0]])
    compiled = CompiledModel(1, 1, "sigmoid", (0.0,), (), Additive(slopes, np.zeros(1), slopes, (), slopes))
    model = LoadedModel(compiled)
    rows = np.array([[-1e6], [-1.0], [0.0], [1.0], [1e6]])
    together = model.run(rows)
    assert together[:, 1].tolist() == [0.0, 1 / (1 + math.e), 0.5, math.e / (1 + math.e), 1.0] == pytest.approx(together[:, 1])
    assert (together.sum(axis=1) == 1).all()
    with pytest.raises(CorruptArtifactError, match="inf"):
        model.run(np.array([[math.inf]]))
    with pytest.raises(CorruptArtifactError, match="not finite"):
        model.run(np.array([[math.inf], [0.0]]))
    with pytest.raises(CorruptArtifactError, match="not finite"):
        LoadedModel(replace(compiled, link="exp")).run(np.array([[1e4], [0.0]]).clip(max=1e4))


@pytest.mark.parametrize("rows", [1, 3, 20])
def test_rows_of_another_width_are_no_answer(rows: int) -> None:
    with pytest.raises(ValueError, match=r"5|inputs|broadcast"):
        LoadedModel(compile_classifier("boosted")).run(np.zeros((rows, 4)))


def test_a_model_of_another_shape_than_its_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(encode_compiled(build_additive()))
    assert load_model(str(path), columns=2, classes=2).run(np.zeros((1, 2))).shape == (1, 2)
    for columns, classes in ((3, 2), (2, 3)):
        with pytest.raises(CorruptArtifactError, match="answers 2 of 2 columns"):
            load_model(str(path), columns=columns, classes=classes)


def vars_of(body: Forest | Additive) -> list[np.ndarray]:
    return [value for name in body.__struct_fields__ if isinstance(value := getattr(body, name), np.ndarray)]


@pytest.mark.parametrize("build", [lambda: compile_classifier("boosted"), build_additive])
def test_a_models_memory_is_counted_and_given_back(build: Callable[[], CompiledModel]) -> None:
    compiled = build()
    model = LoadedModel(compiled)
    assert model.nbytes >= sum(array.nbytes for array in vars_of(compiled.body))
    before = model.nbytes
    model.explain(np.zeros(compiled.columns))
    assert (model.nbytes > before) == isinstance(compiled.body, Forest)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(("link", "outputs"), [("softmax", 3), ("exp", 1)])
def test_answers_hang_on_the_margins_alone_and_not_on_the_processor(link: Link, outputs: int) -> None:
    slopes, nothing = np.eye(3)[:outputs], np.zeros((outputs, 3))
    model = LoadedModel(CompiledModel(1, 3, link, (0.0,) * outputs, (), Additive(slopes, np.zeros(3), nothing, (), nothing)))
    rows = np.random.default_rng(5).normal(size=(2_000, 3)) * 5
    for row, answer in zip(rows.tolist(), model.run(rows).tolist(), strict=True):
        odds = [math.exp(value - max(row)) for value in row]
        assert answer == ([math.exp(row[0])] if link == "exp" else [each / sum(odds) for each in odds])
