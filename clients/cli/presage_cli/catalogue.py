"""What there is to call, in the order of the help, without importing any of it."""

from dataclasses import dataclass

DATA = "Data"
MODELS = "Models and predictions"
EXPERIMENTS = "Experiments"
WORK = "Work, and what is told of it"
WORKSPACE = "The workspace"
PROFILES = "Profiles"
MACHINE = "This machine"
DERIVED = "presage_cli.deriving"
PLATFORM = "presage_cli.platform"


@dataclass(frozen=True)
class Entry:
    """A group of commands, or one command.

    Attributes:
        panel: Under which heading the help has it.
        help: What it is for.
        modules: Which modules' `register` fill it.
        is_group: Whether commands are below it.
    """

    panel: str
    help: str
    modules: tuple[str, ...] = (DERIVED,)
    is_group: bool = True


def own(name: str) -> str:
    """Return the module of commands that are written by hand."""
    return f"presage_cli.commands.{name}"


COMMANDS = {
    "datasets": Entry(DATA, "Datasets, their versions, files and imports.", (DERIVED, own("datasets"))),
    "records": Entry(DATA, "Records, sent from a file or from standard input.", (own("records"),)),
    "credentials": Entry(DATA, "What other systems are read with."),
    "models": Entry(MODELS, "Models, builds, versions, aliases and what is known of them.", (DERIVED, own("models"))),
    "predict": Entry(MODELS, "Ask a model for predictions.", (own("predict"),), is_group=False),
    "predictions": Entry(MODELS, "The prediction log: search, trace, replay."),
    "public": Entry(MODELS, "What else the prediction API answers."),
    "experiments": Entry(EXPERIMENTS, "Experiments, results and certificates.", (DERIVED, PLATFORM)),
    "holdout": Entry(EXPERIMENTS, "The share of units that meet no experiment."),
    "jobs": Entry(WORK, "Background jobs: look, wait, cancel.", (DERIVED, own("jobs"))),
    "notifications": Entry(WORK, "What you were told."),
    "webhooks": Entry(WORK, "Servers that are told of events."),
    "mail-settings": Entry(WORK, "Which events you are mailed of."),
    "workspace": Entry(WORKSPACE, "Your workspace."),
    "users": Entry(WORKSPACE, "Users and their roles."),
    "api-keys": Entry(WORKSPACE, "Keys of the prediction API."),
    "audit": Entry(WORKSPACE, "The audit log: look, export, verify."),
    "operations": Entry(WORKSPACE, "Queues and dead letters, for the operator's token."),
    "log-in": Entry(PROFILES, "Keep credentials in a profile, once they were found to be good.", (own("log_in"),), is_group=False),
    "profiles": Entry(PROFILES, "Which APIs are called, with which credentials.", (own("profiles"),)),
    "demo": Entry(MACHINE, "Run the main job on this machine, in a checkout of Presage.", (own("demo"),), is_group=False),
    "doctor": Entry(MACHINE, "Say what is reachable, real, bridged or missing.", (own("doctor"),), is_group=False),
}
