"""What can go wrong when a build is moved."""


class DeliveryError(Exception):
    """A release or a rollback did not happen; what served before still serves."""
