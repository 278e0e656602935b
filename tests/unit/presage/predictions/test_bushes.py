"""Small trees as tables: the same bits as walking them gives."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from presage.predictions.bushes import FEWEST_ROWS, ROWS_AT_ONCE, BushRunner, is_bush
from presage.predictions.lightgbm import TreeRunner
from presage.predictions.loaded_model import LoadedModel
from presage.training.compiled import CompiledModel, Forest
from services.trainer.compiling import compile_pipeline
from tests.fixtures.pipelines import CLASSIFIERS, make_classes, make_rows
from tests.unit.presage.training.test_compiled import build_forest

ROWS = make_rows(300)


def compile_trees(*, depth: int = 3, classes: int = 2) -> CompiledModel:
    fitted = GradientBoostingClassifier(n_estimators=20, max_depth=depth, random_state=0)
    return compile_pipeline(fitted.fit(np.nan_to_num(ROWS), make_classes(ROWS, classes)), ROWS, fill_values=(0.0,) * ROWS.shape[1])


def forest_of(model: CompiledModel) -> Forest:
    assert isinstance(model.body, Forest)
    return model.body


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("count", [1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 300])
def test_rows_add_up_to_the_same_bits_as_walked(depth: int, classes: int, count: int) -> None:
    model = compile_trees(depth=depth, classes=classes)
    shape = {"inputs": ROWS.shape[1], "outputs": model.outputs}
    assert count == 1 or np.isnan(ROWS[:count]).any()
    expected = TreeRunner(forest_of(model), **shape).run(ROWS[:count])
    assert (BushRunner(forest_of(model), **shape).run(ROWS[:count]) == expected).all()


def test_null_goes_where_its_node_says_whatever_the_limit() -> None:
    forest = forest_of(build_forest())
    stumps = {name: getattr(forest, name)[:3] for name in forest.__struct_fields__ if name not in {"roots", "sets", "set_starts"}}
    for null_left in (True, False):
        stumps |= {"null_left": np.array([null_left, False, False]), "thresholds": np.array([np.inf, 0.0, 0.0])}
        stump = Forest(roots=forest.roots[:1], sets=forest.sets[:0], set_starts=forest.set_starts[:0], **stumps)
        found = BushRunner(stump, inputs=1, outputs=1).run(np.array([[np.nan], [3.4e38], [-1.0]]))
        assert found[:, 0].tolist() == [1.0 if null_left else 2.0, 1.0, 1.0]


def test_deep_trees_and_sets_are_walked() -> None:
    assert is_bush(forest_of(compile_trees()))
    assert not is_bush(forest_of(compile_trees(depth=4)))
    assert not is_bush(forest_of(build_forest()))
    assert not is_bush(forest_of(compile_pipeline(CLASSIFIERS["histogram of categories"]().fit(ROWS, make_classes(ROWS)), ROWS)))


def test_a_loaded_model_walks_few_rows_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LoadedModel(compile_trees())
    expected = model.run(ROWS[:FEWEST_ROWS])
    assert model.nbytes > LoadedModel(compile_trees(depth=4)).nbytes
    monkeypatch.setattr(TreeRunner, "run", lambda *_: pytest.fail("walked"))
    assert (model.run(ROWS[:FEWEST_ROWS]) == expected).all()
    with pytest.raises(pytest.fail.Exception):
        model.run(ROWS[: FEWEST_ROWS - 1])
