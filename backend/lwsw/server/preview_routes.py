"""The preview in the HTTP interface, as ``docs/architecture.md`` describes it. Routes only: :mod:`.preview` does the work."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from ..errors import LwswError
from .preview import LONGEST_WAIT, Preview

_LOOK_SECONDS = 0.02  # between two looks for a client that waits for news
_SHARED = "A job is running: it and the preview share this machine, so each takes longer."

#: Reads the body of a request of a kind (:data:`.app.MAXIMUM_BYTES`).
ReadBody = Callable[[Request, str], Awaitable[bytes]]


class ErrorOfPreview(BaseModel):
    """What went wrong, for the artist."""

    code: str
    message: str
    hint: str


class PreviewId(BaseModel):
    """The name of a new preview."""

    id: str


class PreviewCell(BaseModel):
    """Where a variation lies on the sheet, in pixels from the upper left corner."""

    label: str
    x: int
    y: int
    width: int
    height: int


class PreviewState(BaseModel):
    """Where the preview stands."""

    id: str
    revision: int = Field(description="changes with everything else here")
    settings: int = Field(description="number of the newest settings")
    painted: int = Field(description="number of the settings that the picture is painted with; 0 without a picture")
    width: int = Field(description="of the picture, in pixels; 0 without a picture")
    height: int
    iteration: int = Field(description="since these settings came")
    coarse: bool = Field(description="whether large strokes are still laid out on a smaller picture")
    settled: bool
    loss: float | None
    cells: list[PreviewCell] = Field(description="empty for a single picture")
    running: bool = Field(description="whether there is a process; it ends when it has had nothing to do for some minutes")
    note: str
    error: ErrorOfPreview | None


class SettingsNumber(BaseModel):
    """The number of new settings, which ``painted`` repeats."""

    settings: int


class Stored(BaseModel):
    """How much of an upload was stored."""

    bytes: int


_EXAMPLE = {"styles": ["painting.jpg"], "settings": {"layer_weights": {"relu1_1": 1.0, "relu4_1": 0.5}, "strength": 1.0}}


def add_preview_routes(app: FastAPI, host: Preview, job_is_running: Callable[[], bool], read_body: ReadBody) -> None:
    """Add the routes below ``/v1/preview``."""

    def body(media_type: str, example: Any = None) -> dict[str, Any]:
        schema = {"type": "object"} if media_type == "application/json" else {"type": "string", "format": "binary"}
        content: dict[str, Any] = {"schema": schema} | ({} if example is None else {"example": example})
        return {"requestBody": {"required": True, "content": {media_type: content}}}

    def current(preview: str) -> PreviewState:
        state = host.state(preview)
        notes = [state["note"], _SHARED if job_is_running() and not state["settled"] else ""]
        return PreviewState.model_validate({**state, "note": " ".join(note for note in notes if note)})

    @app.post("/v1/preview", status_code=201)
    def begin_preview() -> PreviewId:
        return PreviewId(id=host.begin())

    @app.put("/v1/preview/{preview}/source", openapi_extra=body("image/png"))
    async def put_preview_source(preview: str, request: Request, width: int = 256) -> Stored:
        data = await read_body(request, "frame")
        await run_in_threadpool(host.put_source, preview, data, width)
        return Stored(bytes=len(data))

    @app.put("/v1/preview/{preview}/passes", openapi_extra=body("image/x-exr"))
    async def put_preview_passes(preview: str, request: Request) -> Stored:
        data = await read_body(request, "pass")
        await run_in_threadpool(host.put_passes, preview, data)
        return Stored(bytes=len(data))

    @app.put("/v1/preview/{preview}/paintings/{name}", openapi_extra=body("image/*"))
    async def put_preview_painting(preview: str, name: str, request: Request) -> Stored:
        data = await read_body(request, "style")
        await run_in_threadpool(host.put_painting, preview, name, data)
        return Stored(bytes=len(data))

    @app.put("/v1/preview/{preview}/settings", openapi_extra=body("application/json", _EXAMPLE))
    async def put_preview_settings(preview: str, request: Request, restart: bool = False) -> SettingsNumber:
        data = await read_body(request, "job")
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise LwswError("bad_settings", "The settings are not JSON.", "See docs/architecture.md for their form.") from None
        return SettingsNumber(settings=await run_in_threadpool(host.put_order, preview, content, restart))

    @app.get("/v1/preview/{preview}")
    async def preview_state(preview: str, after: int | None = None, wait: float = 0.0) -> PreviewState:
        state = await run_in_threadpool(current, preview)
        deadline = time.monotonic() + min(max(wait, 0.0), LONGEST_WAIT)
        while after is not None and time.monotonic() < deadline and not host.has_news(preview, after):
            await asyncio.sleep(_LOOK_SECONDS)
        return state if after is None else await run_in_threadpool(current, preview)

    @app.get("/v1/preview/{preview}/picture", response_class=Response)
    def preview_picture(preview: str, of: Literal["result", "source"] = "result", form: Literal["png", "raw"] = "png") -> Response:
        picture, revision = host.picture(preview, of)
        height, width = picture.levels.shape[:2]
        headers = {"Cache-Control": "no-store", "LWSW-Size": f"{width}x{height}", "LWSW-Revision": str(revision)}
        if form == "raw":
            return Response(picture.raw(), media_type="application/octet-stream", headers=headers)
        return Response(picture.png(), media_type="image/png", headers=headers)

    @app.delete("/v1/preview/{preview}")
    def end_preview(preview: str) -> dict[str, str]:
        host.end(preview)
        return {"ended": preview}
