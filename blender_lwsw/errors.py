"""The one error type that reaches an artist; the same codes as the backend, listed in docs/architecture.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class LwswError(Exception):
    """Something an artist can act on.

    Args:
        code: stable machine-readable name.
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
        """Return the JSON form that the backend uses too."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    @classmethod
    def from_dict(cls, data: Mapping[str, str]) -> LwswError:
        """Rebuild an error from :meth:`to_dict`, or from the backend's JSON."""
        return cls(data.get("code") or "internal", data.get("message") or "Unknown error.", data.get("hint") or "")


def about(title: str, error: LwswError) -> LwswError:
    """Return an error that says which of several jobs it is about."""
    return LwswError(error.code, f"{title}: {error.message}", error.hint)


def joined(errors: Sequence[LwswError]) -> LwswError:
    """Return one error that says what several do, with the code and the way out of the first; there must be one at least."""
    return LwswError(errors[0].code, " ".join(error.message for error in errors), errors[0].hint)


def cancelled(can_resume: bool = False) -> LwswError:
    """Return the error of a job that the artist stopped."""
    hint = "Press Resume to go on, or Stylize to start again." if can_resume else "Press Stylize to start again."
    return LwswError("cancelled", "The job was cancelled; finished frames are kept.", hint)


def paused() -> LwswError:
    """Return what a paused job says instead of an error."""
    return LwswError("paused", "The job is paused; the memory it took is free.", "Press Resume to go on.")


def backend_gone(reason: str = "") -> LwswError:
    """Return the error of a backend that does not answer (any more)."""
    message = "The backend does not answer" + (f" ({reason})." if reason else ".")
    return LwswError("backend_gone", message, "Start it again in the LWSW panel, or look at its log.")


def internal(error: BaseException) -> LwswError:
    """Wrap an exception nobody foresaw, so that it still reaches the artist as a sentence."""
    return LwswError(
        "internal", f"Something unexpected happened: {type(error).__name__}: {error}.", "Please report it with the lines from the console."
    )
