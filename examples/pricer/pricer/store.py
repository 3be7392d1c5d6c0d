"""Quotes given, newest first, in a SQL database."""

from datetime import UTC, datetime

from sqlalchemy import Engine, create_engine, desc, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


class Quote(Base):
    __tablename__ = "quotes"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str]
    instrument: Mapped[str]
    kind: Mapped[str]
    strike: Mapped[float]
    price: Mapped[float]


def open_store(url: str) -> Engine:
    """The database at `url`, its table made when it is not there. `sqlite://` keeps quotes in memory."""
    memory = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}} if url == "sqlite://" else {}
    engine = create_engine(url, **memory)
    Base.metadata.create_all(engine)
    return engine


def keep_quote(engine: Engine, instrument: str, kind: str, strike: float, price: float) -> None:
    with Session(engine) as session:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        session.add(Quote(at=at, instrument=instrument, kind=kind, strike=strike, price=price))
        session.commit()


def latest_quotes(engine: Engine, limit: int) -> list[Quote]:
    with Session(engine) as session:
        return list(session.scalars(select(Quote).order_by(desc(Quote.id)).limit(limit)))
