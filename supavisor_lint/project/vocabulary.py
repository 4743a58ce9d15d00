"""Dotted names of other packages that have a meaning here."""

from __future__ import annotations

SCOPED_MAKERS = frozenset(
    {"sqlalchemy.ext.asyncio.async_scoped_session", "sqlalchemy.ext.asyncio.scoping.async_scoped_session"}
)
"""They hand out the sessions of another factory, one for each scope."""
FACTORY_MAKERS = SCOPED_MAKERS | {
    "sqlalchemy.ext.asyncio.async_sessionmaker",
    "sqlalchemy.ext.asyncio.session.async_sessionmaker",
}
SYNC_FACTORY_MAKERS = frozenset(
    {"sqlalchemy.orm.sessionmaker", "sqlalchemy.orm.session.sessionmaker", "sqlmodel.sessionmaker"}
)
SESSION_CLASSES = frozenset(
    {
        "sqlalchemy.ext.asyncio.AsyncSession",
        "sqlalchemy.ext.asyncio.session.AsyncSession",
        "sqlmodel.ext.asyncio.session.AsyncSession",
    }
)
CONTEXT_MANAGER_MAKERS = frozenset({"contextlib.asynccontextmanager"})
BACKGROUND_TASKS = frozenset(
    {
        "fastapi.BackgroundTasks",
        "fastapi.background.BackgroundTasks",
        "starlette.background.BackgroundTasks",
    }
)
BACKGROUND_TASK = frozenset({"starlette.background.BackgroundTask", "fastapi.background.BackgroundTask"})
COROUTINE_REGISTRARS = frozenset(
    {
        "asyncio.create_task",
        "asyncio.ensure_future",
        "asyncio.run_coroutine_threadsafe",
        "asyncio.tasks.create_task",
        "asyncio.Task",
        "asyncio.tasks.Task",
    }
)
COROUTINE_WRAPPERS = frozenset({"asyncio.wait_for", "asyncio.shield"})
LOOP_MAKERS = frozenset(
    {
        "asyncio.get_event_loop",
        "asyncio.get_running_loop",
        "asyncio.new_event_loop",
        "asyncio.AbstractEventLoop",
        "asyncio.events.AbstractEventLoop",
    }
)
STRUCTURED_GROUPS = frozenset({"asyncio.TaskGroup", "asyncio.taskgroups.TaskGroup"})
QUEUE_PACKAGES = frozenset({"celery", "dramatiq", "taskiq", "procrastinate", "arq"})
QUEUE_DECORATORS = frozenset(
    {
        "celery.shared_task",
        "celery.task",
        "celery.current_app.task",
        "celery.decorators.task",
        "dramatiq.actor",
        "dramatiq.actor.actor",
        "taskiq.task",
        "procrastinate.task",
        "fastapi_utils.tasks.repeat_every",
        "fastapi_restful.tasks.repeat_every",
        "fastapi_utilities.repeat_every",
        "fastapi_utilities.repeat.repeat_every",
    }
)
ARQ_WORKERS = frozenset({"arq.Worker", "arq.worker.Worker", "arq.worker.create_worker", "arq.worker.run_worker"})

# The last names of what makes a session, a factory or a helper without any definition of the project.
SESSION_MAKERS = frozenset(
    {
        "async_sessionmaker",
        "async_scoped_session",
        "sessionmaker",
        "AsyncSession",
        "asynccontextmanager",
        "begin",
        "anext",
        "__anext__",
    }
)
