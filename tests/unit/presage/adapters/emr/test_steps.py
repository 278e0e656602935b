from presage.adapters.emr.steps import StepPrograms

URIS = {"py_files": "s3://a/l.zip", "plain": "s3://a/p.py", "scores": "s3://a/s.py", "scores.environment": "s3://a/e.zip"}
PROGRAMS = StepPrograms(URIS, "lake")


def test_a_step_runs_under_emrs_own_python_with_the_library() -> None:
    assert PROGRAMS.build_options("plain") == ["--py-files", "s3://a/l.zip"]


def test_a_step_with_packages_of_its_own_gets_them_and_their_python() -> None:
    options = PROGRAMS.build_options("scores")
    assert options[:4] == ["--py-files", "s3://a/l.zip", "--archives", "s3://a/e.zip#environment"]
    interpreters = dict(word.split("=") for word in options[5::2])
    assert options[4::2] == ["--conf"] * len(interpreters)
    assert set(interpreters.values()) == {"/usr/bin/python3.11"}
    assert {"spark.pyspark.python", "spark.executorEnv.PYSPARK_PYTHON"} < set(interpreters)
