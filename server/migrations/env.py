"""Alembic runs this; the connection comes from :func:`server.schema.upgrade`."""

from alembic import context

from dafan.db import Base
from server import schema

schema.load()
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
