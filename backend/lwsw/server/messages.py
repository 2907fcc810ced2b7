"""Messages between the server and the process that paints the preview: a line of JSON, then as many bytes as it announces."""

from __future__ import annotations

import json
from typing import IO, Any


def write_message(stream: IO[bytes], header: dict[str, Any], payload: bytes = b"") -> None:
    """Write a message and flush it; raise OSError or ValueError where nobody reads any more."""
    stream.write(json.dumps({**header, "bytes": len(payload)}).encode() + b"\n" + payload)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return header and payload of the next message; None at the end of the stream, also in the middle of a message."""
    line = stream.readline()
    try:
        header = json.loads(line)
        size = int(header.pop("bytes"))
    except (ValueError, KeyError, TypeError, AttributeError):  # a process that was killed may leave half of a line
        return None
    payload = stream.read(size)
    return (header, payload) if len(payload) == size else None
