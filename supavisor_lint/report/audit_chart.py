"""The chart of the page: a bar for each way to get a session, cut into priorities. Plain SVG."""

from __future__ import annotations

from supavisor_lint.report.audit_model import MEANINGS, PATTERNS, PRIORITIES, Inventory, Pattern

_WIDTH, _LEFT, _ROW, _BAR = 700, 290, 30, 18
_RIGHT = 40
_LEGEND = 28


def chart(inventory: Inventory) -> str:
    """Give the SVG element; what it shows is in its title and in its texts as well."""
    patterns = [pattern for pattern in PATTERNS if inventory.with_pattern(pattern)]
    most = max((len(inventory.with_pattern(pattern)) for pattern in patterns), default=1)
    height = _ROW * len(patterns) + _LEGEND
    bars = "".join(_bar(inventory, pattern, row, most) for row, pattern in enumerate(patterns))
    told = ", ".join(f"{len(inventory.with_pattern(pattern))} {pattern}" for pattern in patterns) or "no tasks"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="Tasks by session: {told}">'
        f"<title>Tasks by session: {told}</title>{bars}{_legend(height)}</svg>"
    )


def _bar(inventory: Inventory, pattern: Pattern, row: int, most: int) -> str:
    top = row * _ROW + (_ROW - _BAR) // 2
    tasks = inventory.with_pattern(pattern)
    room = _WIDTH - _LEFT - _RIGHT
    parts = [f'<rect class="rail" x="{_LEFT}" y="{top}" width="{room}" height="{_BAR}" rx="4"/>']
    left = float(_LEFT)
    for priority in PRIORITIES:
        number = sum(1 for task in tasks if task.priority == priority)
        width = room * number / most
        if number:
            parts.append(
                f'<rect class="{priority}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}">'
                f"<title>{pattern}: {number} {priority}</title></rect>"
            )
        left += width
    middle = top + _BAR - 4
    meaning = MEANINGS[pattern]
    parts.append(f'<text x="0" y="{middle}">{pattern}<tspan class="soft" dx="8">{meaning}</tspan></text>')
    parts.append(f'<text x="{left + 8:.1f}" y="{middle}">{len(tasks)}</text>')
    return "".join(parts)


def _legend(height: int) -> str:
    parts = []
    for index, priority in enumerate(PRIORITIES):
        left = _LEFT + index * 90
        parts.append(f'<rect class="{priority}" x="{left}" y="{height - 17}" width="12" height="12" rx="2"/>')
        parts.append(f'<text class="soft" x="{left + 18}" y="{height - 6}">{priority}</text>')
    return "".join(parts)
