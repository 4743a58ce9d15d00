"""Static analysis of async SQLAlchemy sessions in background tasks behind a transaction-mode pooler."""

__version__ = "0.1.0"
