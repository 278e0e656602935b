"""What all structs of the client have in common."""

from typing import ClassVar

import msgspec


class ApiStruct(msgspec.Struct, kw_only=True):
    """A value of the API; fields that this client does not know are left out, and secret ones are not shown."""

    secrets: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        """Return the fields, without the values of secret ones."""
        told = ", ".join(f"{name}={'***' if name in self.secrets else repr(getattr(self, name))}" for name in self.__struct_fields__)
        return f"{type(self).__name__}({told})"
