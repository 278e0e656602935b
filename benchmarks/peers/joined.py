"""What is joined, for peers whose environments have nothing of ours (see `benchmarks.training_data`)."""

LABELS = "labels/part-0.parquet"
"""In a folder, as Spark leaves rows."""
SETS = ("orders", "sessions", "tickets")
FEATURES = tuple(f"f{number}" for number in range(10))
