"""A task that commits and reads afterwards: in which lines it reads an attribute that has expired."""

from __future__ import annotations

from pathlib import Path

from tests.project_support import findings

DATABASE = """
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("sqlite+aiosqlite://")
sessions = async_sessionmaker(engine)
"""
MODELS = """
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    total: Mapped[int]
    lines: Mapped[list["Line"]] = relationship(back_populates="order")


class Line(Base):
    __tablename__ = "lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    text: Mapped[str]
    order: Mapped["Order"] = relationship(back_populates="lines")


class Shipment(Base):
    __tablename__ = "shipments"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped["Order"] = relationship(lazy="selectin")


class Parcel(Base):
    __tablename__ = "parcels"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    weight: Mapped[int]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "parcel"}


class Letter(Parcel):
    __mapper_args__ = {"polymorphic_identity": "letter"}


class Express(Letter):
    __mapper_args__ = {"polymorphic_identity": "express"}
"""
TASK = """
from app.database import sessions
from app.models import Express, Letter, Line, Order, Parcel, Shipment
IMPORTS


HELPERS


async def task(keys, strangers):
    async with sessions() as session:
        BODY
"""


def found(root: Path, body: str, *, helpers: str = "", imports: str = "") -> list[str]:
    """The code of the lines in which the task reads an attribute that has expired."""
    indented = body.strip().replace("\n", "\n        ")
    code = TASK.replace("BODY", indented).replace("HELPERS", helpers).replace("IMPORTS", imports)
    files = {"app/database.py": DATABASE, "app/models.py": MODELS, "app/task.py": code}
    told = [line for line in findings(root, files, profile="hazards") if "SUP309" in line]
    return [code.splitlines()[int(line.split(":")[1].split()[0]) - 1].strip() for line in told]
