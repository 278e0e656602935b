"""The table of roles in the documentation is the one that the library acts on."""

from pathlib import Path

from presage.tenancy.permissions import GRANTS, PERMISSIONS, ROLES

DOCUMENT = Path(__file__).parents[3] / "docs" / "accounts.md"


def test_the_table_of_roles_is_the_librarys() -> None:
    lines = [line.strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    (head, _, *rows) = [[cell.strip(" `") for cell in line] for line in lines]

    assert head[1:-1] == list(ROLES)
    assert [row[0] for row in rows] == list(PERMISSIONS)
    for permission, *cells, purpose in rows:
        assert cells == ["yes" if permission in GRANTS[role] else "no" for role in ROLES], permission
        assert purpose
