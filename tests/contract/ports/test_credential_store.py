"""`CredentialStore`: one suite over memory and Secrets Manager."""

import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.credential_store import MemoryCredentialStore
from presage.adapters.secretsmanager.credential_store import SecretCredentialStore
from presage.errors import NotFoundError
from presage.features.sources.credentials import CredentialStore


@pytest.fixture(params=["memory", pytest.param("secretsmanager", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> CredentialStore:
    if request.param == "memory":
        return MemoryCredentialStore()
    request.getfixturevalue("emulator")
    return SecretCredentialStore(build_client("secretsmanager"), stage="local")


def test_returns_what_was_put_last(store: CredentialStore, workspace_id: str) -> None:
    store.put_credential(workspace_id, "amplitude", {"api_key": "a", "secret_key": "é"})
    assert store.get_credential(workspace_id, "amplitude") == {"api_key": "a", "secret_key": "é"}
    store.put_credential(workspace_id, "amplitude", {"api_key": "b"})
    assert store.get_credential(workspace_id, "amplitude") == {"api_key": "b"}


def test_a_workspace_has_only_its_own(store: CredentialStore, workspace_id: str) -> None:
    store.put_credential(workspace_id, "amplitude", {"api_key": "a"})
    with pytest.raises(NotFoundError):
        store.get_credential(f"{workspace_id}x", "amplitude")
    with pytest.raises(NotFoundError):
        store.get_credential(workspace_id, "amplitud")


def test_forgets_at_once_and_may_be_asked_again(store: CredentialStore, workspace_id: str) -> None:
    store.put_credential(workspace_id, "amplitude", {"api_key": "a"})
    for _ in range(2):
        store.delete_credential(workspace_id, "amplitude")
    with pytest.raises(NotFoundError, match="amplitude"):
        store.get_credential(workspace_id, "amplitude")
    store.put_credential(workspace_id, "amplitude", {"api_key": "b"})
    assert store.get_credential(workspace_id, "amplitude") == {"api_key": "b"}
