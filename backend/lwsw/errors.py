"""The one error type that reaches an artist."""

from __future__ import annotations


class LwswError(Exception):
    """Something an artist can act on.

    Args:
        code: stable machine-readable name, listed in ``docs/architecture.md``.
        message: one sentence that says what is wrong.
        hint: one sentence that says the way out; may be empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def to_dict(self) -> dict[str, str]:
        """Return the JSON form used by HTTP, ``log.jsonl`` and ``--json``."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    @classmethod
    def from_dict(cls, data: dict[str, str]) -> LwswError:
        """Rebuild an error from :meth:`to_dict`."""
        return cls(data.get("code", "internal"), data.get("message", "Unknown error."), data.get("hint", ""))


class Cancelled(LwswError):
    """Raised by a progress callback to stop the work between two iterations."""

    def __init__(self) -> None:
        super().__init__("cancelled", "The job was cancelled; finished frames are kept.", "Resume continues where it stopped.")
