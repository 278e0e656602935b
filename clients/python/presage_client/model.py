"""What all structs of the client have in common."""

from typing import Any, ClassVar

import msgspec


class ApiStruct(msgspec.Struct, kw_only=True):
    """A value of the API; fields that this client does not know are left out, and secret ones are not shown."""

    secrets: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        """Return the fields that are there, without the values of secret ones."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return the same, for Rich: msgspec's own would show secrets."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, "***" if name in self.secrets else value) for name, value in fields if value is not msgspec.UNSET]
