"""What the trainer told of a version, as the workspace API shows it."""

from dataclasses import replace

from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.training_report_store import MemoryTrainingReportStore
from services.trainer.app import run
from tests.contract.http.test_backend import Service, openapi, service
from tests.fixtures.metadata_rows import make_version
from tests.fixtures.training import build_classification_recipe
from tests.fixtures.training_sets import FIT, make_classification, put_training_set

__all__ = ["openapi", "service"]  # fixtures


def test_a_version_shows_what_the_trainer_told_of_it(service: Service) -> None:
    model = service.ports.models.get_model(service.workspace_id, service.create_model())
    service.ports.versions.create_version(make_version(model, 1))
    path = f"/models/{model.model_id}/versions/1"
    assert service.refuse("GET", f"{path}/metrics") == (404, "not_found", None)
    files = MemoryTrainingFiles()
    recipe = replace(build_classification_recipe(), workspace_id=service.workspace_id)
    put_training_set(files, recipe, make_classification(lambda orders: orders // 5))
    assert run([*FIT[:6], model.model_id, *FIT[7:]], files) == 0
    assert isinstance(service.ports.reports, MemoryTrainingReportStore)
    service.ports.reports.lake.update(files.lake)
    assert service.get(f"{path}/metrics")["metrics"]["verdict"]["primary"] == "log_loss"
    card = service.get(f"{path}/card")
    assert card["plots"] == ["reliability", "roc", "precision_recall", "gain"]
    assert service.call("GET", f"{path}/card.md").text.startswith(f"# Model card: {model.model_id}, version 1\n")
    plot = service.call("GET", f"{path}/plots/roc.svg")
    assert (plot.status_code, plot.mimetype, b"<svg role=" in plot.data) == (200, "image/svg+xml", True)
    for name in ("residuals", "..card", "nothing"):
        assert service.refuse("GET", f"{path}/plots/{name}.svg")[0] == 404
    assert service.refuse("GET", f"/models/{model.model_id}/versions/2/card")[0] == 404
    service.enter("Other")
    assert service.refuse("GET", f"{path}/card")[0] == 404
