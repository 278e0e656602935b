"""The name under which a component calls AWS: SDKs append it to their user agent, so AWS's records tell who called."""

CALLER_VARIABLE = "AWS_SDK_UA_APP_ID"
_PREFIX = "presage-"


def name_caller(component: str) -> str:
    """Return the value of `CALLER_VARIABLE` for a component, the folder name of a deployable."""
    return _PREFIX + component
