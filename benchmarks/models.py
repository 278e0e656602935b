"""`make report`: models of the demo's data beside baselines and libraries on the same split, into docs/models.md.

The training sets are built by the product's Spark step, the models by its trainer. Peers run in environments of their own; what they
answer is judged by the same metrics, with intervals that resample the same entities.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from benchmarks.load import MeasurementError
from benchmarks.model_data import WORKSPACE, Built, build, read_cdnow, read_movielens
from benchmarks.model_report import Contest, Table, write_report
from benchmarks.peers.servers import install
from benchmarks.screen import keep, say, show_line
from benchmarks.servers import SINGLE_THREADED
from localstack.places import ROOT
from presage.training.compiled import FloatArray
from presage.training.evaluation import ClusterBootstrap, Estimate
from presage.training.recipe import from_microseconds
from services.trainer.algorithms import DEFAULTS, Trial
from services.trainer.fit import SEED, FitRequest, fit_version
from services.trainer.fitting import Plan, fit
from services.trainer.judging import build_metrics
from services.trainer.training_data import TrainingData, read_training_data

LINEAR = Trial(0, "linear", DEFAULTS["linear"])
OURS = "presage"
Answers = Mapping[str, FloatArray]


@dataclass(frozen=True)
class Fitted:
    """A version as the trainer registered it, and what it answered to the test split."""

    data: TrainingData
    report: dict[str, Any]
    answers: FloatArray


def run() -> None:
    """Build, fit, judge, and write the report; the last line has each primary metric."""
    with tempfile.TemporaryDirectory() as folder:
        contests = [_contest_ranking(Path(folder) / "movielens"), _contest_classification(Path(folder) / "cdnow")]
    path = write_report(contests)
    show_line(f"{path.relative_to(ROOT)} written; {keep('models', [contest.tables for contest in contests])}")
    show_line("models: " + " ".join(f"{contest.name}_{contest.primary}={contest.ours.value:.4f}" for contest in contests))


def _contest_ranking(folder: Path) -> Contest:
    built, fitted = _build(read_movielens(), folder)
    data = fitted.data
    seen, given = _list_interactions(built, data)
    answers = {OURS: fitted.answers[:, -1], "popularity": data.test.popularity, "logistic regression": _fit_linear(data)[:, -1]}
    say("movielens: implicit")
    answers_of_peers = _ask("implicit", "benchmarks.peers.implicit_rankers", folder, given)
    unseen = {name: np.where(seen, -np.inf, found) for name, found in (answers | answers_of_peers).items()}
    tables = [_judge("as ranked", data, answers), _judge("what the user has rated excluded, for all alike", data, unseen)]
    history = len(np.unique(given["seen_lists"]))
    note = (
        f"{history} of the {int(data.test.observations.max()) + 1} lists are of users of whom anything is known when they are asked about."
    )
    return _conclude(built, fitted, tables, note)


def _contest_classification(folder: Path) -> Contest:
    built, fitted = _build(read_cdnow(), folder)
    data = fitted.data
    share = float(data.train.labels.mean())
    given = {"train_features": data.train.features, "train_labels": data.train.labels, "test_features": data.test.features}
    say("cdnow: lightgbm")
    peers = _ask("lightgbm", "benchmarks.peers.lightgbm_classifier", folder, given)
    prior = np.full(len(data.test.labels), share)
    answers = {
        OURS: fitted.answers[:, -1],
        "prior": prior,
        "logistic regression": _fit_linear(data)[:, -1],
        "lightgbm, defaults": peers["lightgbm"],
    }
    return _conclude(built, fitted, [_judge("all alike", data, answers)], "The prior is the train split's share, for everybody.")


def _build(source: Any, folder: Path) -> tuple[Built, Fitted]:  # noqa: ANN401 - a `Source`
    say(f"{source.name}: training set")
    built = build(source, folder)
    say(f"{source.name}: fit")
    artifact = fit_version(FitRequest(built.prefix, f"ws={WORKSPACE}/models/{source.name}/1/", source.name, 1), built.files)
    data = read_training_data(built.files, built.prefix)
    report = msgspec.json.decode(built.files.read_lake(f"ws={WORKSPACE}/reports/{source.name}/00000001/report.json") or b"")
    if artifact.training_set_id not in built.prefix:
        raise MeasurementError(f"{source.name} was fitted on another training set")
    chosen = Trial(0, report["search"]["algorithm"], report["search"]["settings"])
    plan = Plan(data.recipe.spec, chosen, data.columns, len(data.classes), SEED)
    answers = fit(data.train, plan).predict(data.test.features)
    return built, Fitted(data, report, answers)


def _fit_linear(data: TrainingData) -> FloatArray:
    return fit(data.train, Plan(data.recipe.spec, LINEAR, data.columns, len(data.classes), SEED)).predict(data.test.features)


def _judge(title: str, data: TrainingData, answers: Answers) -> Table:
    """Return the metrics of all, and by how much ours is ahead in the one that decides, with paired intervals."""
    found: dict[str, dict[str, Estimate]] = {}
    ahead: dict[str, Estimate] = {}
    metrics = {name: build_metrics(data.recipe.spec, data.test, np.stack([1 - given, given], axis=1)) for name, given in answers.items()}
    ours, clusters = metrics[OURS]
    bootstrap = ClusterBootstrap(np.unique(clusters, return_inverse=True)[1].astype(np.int64), seed=SEED)
    primary = next(iter(ours))
    for name, (theirs, _) in metrics.items():
        compared = bootstrap.compare_all(ours, theirs)
        found[name] = {metric: comparison.baseline for metric, comparison in compared.items()}
        if name != OURS:
            ahead[name] = compared[primary].gain
    return Table(title, primary, found, ahead)


def _list_interactions(built: Built, data: TrainingData) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return which rows of the test split the user has rated by then, and what implicit is given: all that was known at the boundary."""
    ratings = built.source.records["ratings"].select("entity_id", "movie", "known_timestamp")
    frame = pl.concat([pl.read_parquet(built.files.lake / built.prefix / file["key"]) for file in data.manifest["files"]])
    asked = frame.filter(pl.col("split") == "test").sort("observed_at", "entity_id", "item")
    lists = asked.select("observed_at", "entity_id").with_columns(list=pl.Series(data.test.observations)).unique(maintain_order=True)
    boundary = from_microseconds(data.manifest["boundary_us"]).replace(tzinfo=None)
    fit_on = ratings.filter(pl.col("known_timestamp") <= boundary)
    history = lists.join(ratings, on="entity_id").filter(pl.col("known_timestamp") <= pl.col("observed_at"))
    number = {movie: place for place, movie in enumerate(sorted(set(ratings["movie"])))}
    marked = asked.with_row_index("row").join(
        history.select("observed_at", "entity_id", pl.col("movie").alias("item")).unique(),
        on=["observed_at", "entity_id", "item"],
        how="semi",
    )
    seen = np.zeros(len(asked), dtype=np.bool_)
    seen[marked["row"].to_numpy()] = True
    return seen, {
        "fit_users": fit_on["entity_id"].rank("dense").cast(pl.Int64).to_numpy() - 1,
        "fit_items": np.array([number[movie] for movie in fit_on["movie"]]),
        "seen_lists": history["list"].to_numpy(),
        "seen_items": np.array([number[movie] for movie in history["movie"]], dtype=np.int64),
        "asked_lists": data.test.observations,
        "asked_items": np.array([number[item] for item in data.test.items]),
    }


def _ask(name: str, module: str, folder: Path, given: Mapping[str, np.ndarray]) -> dict[str, FloatArray]:
    """Return what a peer answers, in its own environment."""
    rows, scores = folder / f"{name}-rows.npz", folder / f"{name}-scores.npz"
    np.savez(rows, **given)  # type: ignore[arg-type]  # arrays by name
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **SINGLE_THREADED}
    command = [str(install(name)), "-m", module, str(rows), str(scores)]
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise MeasurementError(f"{name} failed: {ended.stderr[-2000:]}")
    with np.load(scores) as found:
        return {peer: found[peer].astype(np.float64) for peer in found.files}


def _conclude(built: Built, fitted: Fitted, tables: list[Table], note: str) -> Contest:
    reports = built.files.lake / f"ws={WORKSPACE}/reports/{built.source.name}/00000001"
    plots = {path.stem: path.read_text() for path in sorted((reports / "plots").glob("*.svg"))}
    ours = tables[0].found[OURS][tables[0].primary]
    card = (reports / "card.md").read_text()
    return Contest(built.source.name, tables[0].primary, ours, tables, fitted.report, plots, card, note)
