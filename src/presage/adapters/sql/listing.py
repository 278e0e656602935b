"""Lists of rows in MySQL."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Engine, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import DeclarativeBase

from presage.adapters.sql.database import list_rows, table_of, unit_of_work
from presage.listing import ListPage, ListQuery, ListShape, build_mark, check_query, read_mark

ItemT = TypeVar("ItemT")


class SqlListing(Generic[ItemT]):
    """`Listing` of a table whose columns are named as the fields of `item`. One statement a page."""

    def __init__(self, engine: Engine, row_type: type[DeclarativeBase], item: type[ItemT], shape: ListShape) -> None:
        self._engine = engine
        self._table = table_of(row_type)
        self._item = item
        self.shape = shape

    def search(self, workspace_id: str, query: ListQuery) -> ListPage[ItemT]:
        """Return a page."""
        check_query(query, self.shape)
        statement = select(self._table).where(self._table.c.workspace_id == workspace_id, *self._narrow(query))
        with unit_of_work(self._engine) as session:
            found = list_rows(session, self._order(statement, query).limit(query.limit + 1), self._item)
        page = found[: query.limit]
        return ListPage(page, build_mark(query, self.shape, page[-1]) if len(found) > query.limit else None)

    def _narrow(self, query: ListQuery) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = [self._table.c[column] == value for column, value in query.filters.items()]
        if query.text:
            wanted = query.text.lower()
            conditions.append(or_(*(func.lower(self._table.c[each]).contains(wanted, autoescape=True) for each in self.shape.searched)))
        mark = read_mark(query)
        if mark is not None:
            column, identity = self._table.c[query.sort], self._table.c[self.shape.identity]
            place, behind = tuple_(column, identity), tuple_(literal(mark[0], column.type), literal(mark[1], identity.type))
            conditions.append(place < behind if query.descending else place > behind)
        return conditions

    def _order(self, statement: Select[Any], query: ListQuery) -> Select[Any]:
        columns = (self._table.c[query.sort], self._table.c[self.shape.identity])
        return statement.order_by(*(column.desc() if query.descending else column.asc() for column in columns))
