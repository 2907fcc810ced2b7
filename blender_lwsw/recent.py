"""Answers that count for a while: panels are drawn many times a second, and need not look at the disk or at every object each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

#: A question that takes long is not asked again for so many times as long as its answer took.
_REST = 40


class RecentAnswers:
    """Remembers what was answered.

    Args:
        seconds: how long an answer counts.
        most: how many are remembered; the oldest are forgotten beyond that.
    """

    def __init__(self, seconds: float, most: int = 256) -> None:
        self._seconds, self._most = seconds, most
        self._answers: dict[Hashable, tuple[float, Any]] = {}

    def ask(self, question: Hashable, find: Callable[[], Any]) -> Any:
        """Return the answer to a question, from ``find`` where it is not known or too old."""
        now = time.monotonic()
        known = self._answers.get(question)
        if known is not None and now < known[0]:
            return known[1]
        answer = find()
        took = time.monotonic() - now
        self._answers.pop(question, None)
        self._answers[question] = now + max(self._seconds, _REST * took), answer
        while len(self._answers) > self._most:
            del self._answers[next(iter(self._answers))]
        return answer

    def forget(self) -> None:
        """Forget all answers."""
        self._answers.clear()
