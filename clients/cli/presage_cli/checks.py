"""Whether credentials open what they should."""

from presage_client import Client
from presage_client.errors import ForbiddenError, NotFoundError

NOBODYS = "00000000-0000-7000-8000-000000000000"
"""A prediction that was never made."""


def check_key(client: Client) -> None:
    """Return if the prediction API knows the key, whatever it may do there.

    Raises:
        PresageError: It does not, or was not reached.
    """
    try:
        client.public.get_prediction(NOBODYS)
    except NotFoundError:
        return
    except ForbiddenError as error:
        if error.code != "scope_missing":
            raise
