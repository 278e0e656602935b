"""Every kind of pipeline, compiled, answers as scikit-learn does, also where the two could differ."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, PolynomialFeatures
from threadpoolctl import threadpool_limits

from presage.errors import CorruptArtifactError, InvalidInputError
from presage.predictions.loaded_model import LoadedModel
from presage.training.compiled import FloatArray, Forest, decode_compiled, encode_compiled
from services.trainer.compiling import compile_pipeline
from services.trainer.compiling_trees import find_limits, round_to_float32
from services.trainer.folding import Number
from services.trainer.parity import TOLERANCE, build_probes, prove_parity
from tests.fixtures.pipelines import CLASSIFIERS, REGRESSORS, impute, make_classes, make_rows, make_targets

ROWS, HELD_OUT = make_rows(), make_rows(400, seed=9)
EXACT = 1e-11


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Histogram models spin on all cores, which costs minutes where tests run side by side."""
    with threadpool_limits(limits=1):
        yield


def ask(predict: Callable[[FloatArray], Any]) -> Callable[[FloatArray], FloatArray]:
    def answer(rows: FloatArray) -> FloatArray:
        with warnings.catch_warnings(action="ignore"):  # scikit-learn's, of unknown categories
            return np.asarray(predict(rows), dtype=np.float64)

    return answer


TWO_CLASSES_ONLY = {"boosted by weights"}


@pytest.mark.parametrize(
    ("name", "classes"), [(name, classes) for name in CLASSIFIERS for classes in (2, 4) if classes == 2 or name not in TWO_CLASSES_ONLY]
)
def test_a_classifier_answers_the_same_probabilities(name: str, classes: int) -> None:
    fitted = CLASSIFIERS[name]().fit(ROWS, make_classes(ROWS, classes))
    body = encode_compiled(compile_pipeline(fitted, ROWS))
    found = prove_parity(body, ask(fitted.predict_proba), HELD_OUT)
    assert found.largest_difference < EXACT
    assert found.probes > 1_500
    assert LoadedModel(decode_compiled(body)).run(HELD_OUT).shape == (400, classes)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_answers_the_same_values(name: str) -> None:
    fitted = REGRESSORS[name]().fit(ROWS, make_targets(ROWS))
    body = encode_compiled(compile_pipeline(fitted, ROWS))
    assert prove_parity(body, ask(fitted.predict), HELD_OUT).largest_difference < EXACT
    assert LoadedModel(decode_compiled(body)).run(HELD_OUT[:1]).shape == (1, 1)


@pytest.mark.parametrize("loss", ["poisson", "gamma", "quantile", "absolute_error"])
def test_a_histogram_regressor_of_any_loss_answers_the_same_values(loss: str) -> None:
    options = {"quantile": 0.7} if loss == "quantile" else {}
    fitted = HistGradientBoostingRegressor(loss=loss, max_iter=10, **options).fit(ROWS, np.exp(make_targets(ROWS) / 4))
    body = encode_compiled(compile_pipeline(fitted, ROWS))
    assert prove_parity(body, ask(fitted.predict), HELD_OUT).largest_difference < EXACT


def test_values_of_which_32_bits_hold_less_go_where_scikit_learn_sends_them() -> None:
    rows = (2.0**24 + np.arange(64, dtype=np.float64)).repeat(4)[:, np.newaxis]
    fitted = GradientBoostingRegressor(n_estimators=30, max_depth=6).fit(rows, np.arange(len(rows)))
    compiled = compile_pipeline(fitted, rows, fill_values=[0.0])
    asked = 2.0**24 + np.linspace(0, 64, 4001)[:, np.newaxis]
    assert (asked.astype(np.float32) != asked).any()
    np.testing.assert_allclose(LoadedModel(compiled).run(asked)[:, 0], fitted.predict(asked), rtol=1e-12)


def test_limits_are_the_last_double_on_the_left() -> None:
    scaled = Number(0).then(lambda values: (values - 0.1) / 0.7).then(round_to_float32)
    wanted = np.array([-1e30, -1.0, -0.1, 0.0, 1e-30, 0.25, 1 / 3, 7e8])
    limits = find_limits(scaled, wanted)
    assert (scaled.apply(limits) <= wanted).all()
    assert (scaled.apply(np.nextafter(limits, np.inf)) > wanted).all()
    assert find_limits(Number(0).then(lambda values: np.clip(values, 0, 1)), np.array([-1.0]))[0] == -np.inf


def test_fill_values_stand_in_front_of_the_pipeline() -> None:
    fills = (-5.0, -6.0, -7.0, -8.0, -9.0)
    filled = np.where(np.isnan(ROWS), fills, ROWS)
    fitted = GradientBoostingClassifier(n_estimators=10).fit(filled, make_classes(ROWS))
    body = encode_compiled(compile_pipeline(fitted, ROWS, fill_values=fills))
    prove_parity(body, lambda rows: fitted.predict_proba(np.where(np.isnan(rows), fills, rows)), HELD_OUT)


def test_a_model_that_differs_is_refused_with_the_largest_difference() -> None:
    fitted = CLASSIFIERS["boosted"]().fit(ROWS, make_classes(ROWS))
    body = encode_compiled(compile_pipeline(fitted, ROWS))

    def predict(rows: FloatArray) -> FloatArray:
        answers: FloatArray = fitted.predict_proba(rows)
        return answers + np.where(np.isnan(rows).all(axis=1), 3 * TOLERANCE, 0)[:, np.newaxis]

    with pytest.raises(CorruptArtifactError, match=r"differs from the pipeline by 3e-06"):
        prove_parity(body, predict, HELD_OUT)
    with pytest.raises(CorruptArtifactError, match="gives"):
        prove_parity(body, ask(fitted.decision_function), HELD_OUT)


def test_a_pipeline_that_answers_nan_is_refused() -> None:
    fitted = CLASSIFIERS["logistic"]().fit(ROWS, make_classes(ROWS))
    body = encode_compiled(compile_pipeline(fitted, ROWS))
    with pytest.raises(CorruptArtifactError, match="nan"):
        prove_parity(body, lambda rows: np.full((len(rows), 2), np.nan), HELD_OUT)


def test_probes_stand_on_every_threshold_and_beside_it() -> None:
    fitted = CLASSIFIERS["histogram"]().fit(ROWS, make_classes(ROWS))
    compiled = compile_pipeline(fitted, ROWS)
    assert isinstance(compiled.body, Forest)
    for column in range(5):
        limits = compiled.body.thresholds[compiled.body.inputs == column]
        asked = build_probes(compiled, HELD_OUT)[:, column]
        assert np.isin(limits[np.abs(limits) > 1e-30], asked).all()
        assert np.isin(np.nextafter(limits[np.abs(limits) > 1e-30], np.inf), asked).all()


@pytest.mark.parametrize(
    ("pipeline", "word"),
    [
        (LogisticRegression(), "cannot answer null in column 0"),
        (GradientBoostingClassifier(n_estimators=2), "cannot answer null in column 0"),
        (
            make_pipeline(impute(), GradientBoostingClassifier(n_estimators=2, init=HistGradientBoostingClassifier(max_iter=1))),
            "first guess by HistGradient",
        ),
        (make_pipeline(impute(), OneHotEncoder(), LogisticRegression()), "does not know"),
        (make_pipeline(impute(), MinMaxScaler(clip=True), LogisticRegression()), "clips"),
        (make_pipeline(impute(), FunctionTransformer(np.abs), LogisticRegression()), "is code"),
        (make_pipeline(impute(), PolynomialFeatures(), LogisticRegression(max_iter=5000)), "PolynomialFeatures has no form"),
        (make_pipeline(impute(), CalibratedClassifierCV(LogisticRegression(max_iter=5000))), "CalibratedClassifierCV has no form"),
        (make_pipeline(impute(), MinMaxScaler(), OneHotEncoder(handle_unknown="ignore"), LogisticRegression()), "behind a scaler"),
    ],
)
def test_what_has_no_form_is_refused_with_the_reason(pipeline: Any, word: str) -> None:  # noqa: ANN401 - scikit-learn has no types
    rows = np.nan_to_num(ROWS) / 1e3
    fitted = pipeline.fit(rows, make_classes(ROWS))
    with pytest.raises(InvalidInputError, match=word):
        compile_pipeline(fitted, rows)


def test_several_targets_are_refused() -> None:
    fitted = make_pipeline(impute(), LinearRegression()).fit(ROWS, np.column_stack([make_targets(ROWS)] * 2))
    with pytest.raises(InvalidInputError, match="several targets"):
        compile_pipeline(fitted, ROWS)
