"""The rules: one file each. `RULES` is all of them, sorted by code."""

from __future__ import annotations

from supavisor_lint.rules import (
    begin_after_autobegin,
    broken_failure_handler,
    commit_inside_transaction,
    direct_async_session,
    direct_session_factory,
    expired_attribute_access,
    failure_status_not_recorded,
    helper_import_placement,
    lost_write,
    manual_commit,
    missing_failure_handler,
    missing_outer_handler,
    missing_start_log,
    operation_outside_transaction,
    raw_session_getter,
    request_session_in_task,
    session_helper_misuse,
    session_parameter_shadowed,
    session_shared_between_tasks,
    silent_handler,
    single_transaction_task,
    swallowed_error_in_transaction,
    task_without_session_helper,
    unbound_session_helper,
    unguarded_failure_update,
    unparsable_file,
    unsafe_session_helper,
    unused_suppression,
)
from supavisor_lint.rules.base import FileView, Rule

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (
            begin_after_autobegin.RULE,
            commit_inside_transaction.RULE,
            swallowed_error_in_transaction.RULE,
            lost_write.RULE,
            expired_attribute_access.RULE,
            broken_failure_handler.RULE,
            direct_session_factory.RULE,
            direct_async_session.RULE,
            raw_session_getter.RULE,
            session_helper_misuse.RULE,
            unbound_session_helper.RULE,
            unsafe_session_helper.RULE,
            task_without_session_helper.RULE,
            request_session_in_task.RULE,
            session_parameter_shadowed.RULE,
            session_shared_between_tasks.RULE,
            operation_outside_transaction.RULE,
            manual_commit.RULE,
            single_transaction_task.RULE,
            missing_failure_handler.RULE,
            failure_status_not_recorded.RULE,
            unguarded_failure_update.RULE,
            missing_outer_handler.RULE,
            silent_handler.RULE,
            missing_start_log.RULE,
            helper_import_placement.RULE,
            unparsable_file.RULE,
            unused_suppression.RULE,
        ),
        key=lambda rule: rule.code,
    )
)

__all__ = ["RULES", "FileView", "Rule"]
