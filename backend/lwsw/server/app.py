"""The HTTP interface, version 1, as ``docs/architecture.md`` describes it. Routes only: :mod:`.jobs` does the work."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from .. import API_VERSION, __version__
from ..errors import LwswError
from ..jobs.state import FINAL_STATES
from .jobs import Jobs
from .preview import Preview
from .preview_routes import add_preview_routes

log = logging.getLogger(__name__)

_MEBIBYTE = 1 << 20
#: Largest body of each kind of request.
MAXIMUM_BYTES = {kind: size * _MEBIBYTE for kind, size in {"job": 64, "style": 256, "frame": 512, "pass": 4096, "cameras": 64}.items()}

_EVENT_SECONDS = 0.1  # between two looks at a job that somebody watches
_KEEP_ALIVE_SECONDS = 5.0

_HTTP_STATUS = {
    "bad_token": 401,
    "job_not_found": 404,
    "job_running": 409,
    "preview_not_found": 404,
    "preview_taken": 409,
    "version_mismatch": 409,
    "internal": 500,
    "output_not_writable": 500,
    "disk_full": 507,
}


class ErrorDetails(BaseModel):
    """What went wrong, for the artist."""

    code: str
    message: str
    hint: str


class ErrorBody(BaseModel):
    """The body of every 4xx and 5xx answer."""

    error: ErrorDetails


class Health(BaseModel):
    """The backend itself. ``device`` and ``device_name`` are null for the first seconds."""

    version: str
    api: int
    device: str | None
    device_name: str | None
    active_job: str | None


class JobId(BaseModel):
    """The name of a new job."""

    id: str


class Status(BaseModel):
    """Where a job stands. Times are in seconds."""

    id: str
    state: str = Field(description="created, queued, running, done, failed or cancelled")
    receiving: bool = Field(description="it began early, and nobody has said yet that everything has come")
    frames_total: int
    frames_done: int
    share_done: float = Field(description="of all painting, from 0 to 1, second pass included")
    results: list[int]
    frame: int | None
    iteration: int
    iterations: int
    waiting_for: int | None = Field(description="the frame that has to come before the work can go on")
    seconds_per_frame: float | None
    seconds_left: float | None
    first_frame_seconds: float | None
    peak_memory: int | None = Field(description="bytes, of the process that paints; null where that is not known")
    peak_device_memory: int | None = Field(description="bytes, on a CUDA device")
    note: str
    timings: dict[str, float]
    error: ErrorDetails | None


class StatusList(BaseModel):
    """Every job of this backend, oldest first."""

    jobs: list[Status]


class Received(BaseModel):
    """How much of an upload was stored."""

    bytes: int


_JOB_EXAMPLE = {
    "frames": [1, 2, 3],
    "width": 512,
    "height": 288,
    "styles": ["painting.jpg"],
    "settings": {"profile": "balanced", "iterations": 20},
}


def create_app(
    jobs: Jobs,
    token: str,
    device: Callable[[], tuple[str | None, str | None]] = lambda: (None, None),
    shut_down: Callable[[], None] = lambda: None,
    preview: Preview | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        jobs: the jobs it serves.
        token: what every request must carry.
        device: returns the device and its name, for ``/v1/health``.
        shut_down: called, once the answer is ready, by ``POST /v1/shutdown``.
        preview: the preview it serves; None makes one, which the caller cannot end.
    """
    app = FastAPI(
        title="LWSW",
        version=__version__,
        docs_url=None,  # the pages behind these load scripts from the network
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        dependencies=[Depends(HTTPBearer(auto_error=False))],  # for the description only; the middleware below checks
        responses={"4XX": {"model": ErrorBody}, "5XX": {"model": ErrorBody}},
    )
    _handle_errors(app)
    app.add_middleware(_TokenCheck, token=token)
    app.state.jobs = jobs

    @app.get("/v1/health")
    def health() -> Health:
        kind, name = device()
        return Health(version=__version__, api=API_VERSION, device=kind, device_name=name, active_job=jobs.active_job())

    @app.post("/v1/jobs", status_code=201, openapi_extra=_body("application/json", _JOB_EXAMPLE))
    async def create_job(request: Request) -> JobId:
        data = await _read_body(request, "job")
        try:
            content = json.loads(data)
        except (ValueError, RecursionError):
            raise LwswError("bad_settings", "The job is not JSON.", "See docs/architecture.md for its form.") from None
        return JobId(id=await run_in_threadpool(jobs.create, content))

    @app.get("/v1/jobs")
    def list_jobs() -> StatusList:
        return StatusList.model_validate({"jobs": jobs.statuses()})

    @app.put("/v1/jobs/{job}/styles/{name}", openapi_extra=_body("image/*"))
    async def put_style(job: str, name: str, request: Request) -> Received:
        data = await _read_body(request, "style")
        await run_in_threadpool(jobs.put_style, job, name, data)
        return Received(bytes=len(data))

    @app.put("/v1/jobs/{job}/frames/{number}", openapi_extra=_body("image/png"))
    async def put_frame(job: str, number: int, request: Request) -> Received:
        data = await _read_body(request, "frame")
        await run_in_threadpool(jobs.put_frame, job, number, data)
        return Received(bytes=len(data))

    @app.put("/v1/jobs/{job}/passes/{number}", openapi_extra=_body("image/x-exr"))
    async def put_pass(job: str, number: int, request: Request) -> Received:
        data = await _read_body(request, "pass")
        await run_in_threadpool(jobs.put_pass, job, number, data)
        return Received(bytes=len(data))

    @app.put("/v1/jobs/{job}/cameras", openapi_extra=_body("application/json"))
    async def put_cameras(job: str, request: Request) -> Received:
        data = await _read_body(request, "cameras")
        await run_in_threadpool(jobs.put_cameras, job, data)
        return Received(bytes=len(data))

    @app.put("/v1/jobs/{job}/cameras/{number}", openapi_extra=_body("application/json"))
    async def put_camera(job: str, number: int, request: Request) -> Received:
        data = await _read_body(request, "cameras")
        await run_in_threadpool(jobs.put_camera, job, number, data)
        return Received(bytes=len(data))

    @app.post("/v1/jobs/{job}/start", status_code=202)
    def start(job: str, early: bool = False) -> Status:
        return Status.model_validate(jobs.start(job, early))

    @app.post("/v1/jobs/{job}/resume", status_code=202)
    def resume(job: str) -> Status:
        return Status.model_validate(jobs.start(job))

    @app.post("/v1/jobs/{job}/cancel")
    def cancel(job: str) -> Status:
        return Status.model_validate(jobs.cancel(job))

    @app.get("/v1/jobs/{job}")
    def status(job: str) -> Status:
        return Status.model_validate(jobs.status(job))

    @app.get("/v1/jobs/{job}/events", response_class=StreamingResponse)
    async def events(job: str) -> StreamingResponse:
        first = await run_in_threadpool(jobs.status, job)  # a job that does not exist is a 404, not an empty stream
        return StreamingResponse(_events(jobs, job, first), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @app.get("/v1/jobs/{job}/results/{number}", response_class=FileResponse)
    def result(job: str, number: int) -> FileResponse:
        return FileResponse(jobs.result(job, number), media_type="image/png", headers={"Cache-Control": "no-store"})

    @app.delete("/v1/jobs/{job}")
    def delete(job: str) -> dict[str, str]:
        jobs.delete(job)
        return {"removed": job}

    add_preview_routes(app, preview or Preview(), lambda: jobs.active_job() is not None, _read_body)

    @app.post("/v1/shutdown", status_code=202)
    def shutdown() -> dict[str, bool]:
        shut_down()
        return {"stopping": True}

    return app


async def _events(jobs: Jobs, job: str, status: dict[str, Any]) -> AsyncIterator[str]:
    """Yield a server-sent event whenever the status changes, until the job is over, removed, or the server ends."""
    sent: dict[str, Any] = {}
    last_sent = 0.0
    while True:
        now = time.monotonic()
        # The estimate changes with the clock alone; that is no news.
        news = {name: value for name, value in status.items() if name != "seconds_left"}
        if news != sent:
            yield f"event: status\ndata: {json.dumps(status)}\n\n"
            sent, last_sent = news, now
        elif now - last_sent > _KEEP_ALIVE_SECONDS:
            yield ": still here\n\n"
            last_sent = now
        if status["state"] in FINAL_STATES or jobs.closing:
            return
        await asyncio.sleep(_EVENT_SECONDS)
        try:
            status = await run_in_threadpool(jobs.status, job)
        except LwswError:  # removed meanwhile
            return


async def _read_body(request: Request, kind: str) -> bytes:
    """Read the body of an upload; stop where it becomes larger than its kind may be."""
    limit = MAXIMUM_BYTES[kind]
    announced = request.headers.get("content-length", "")
    too_large = announced.isdigit() and int(announced) > limit
    body = bytearray()
    if not too_large:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                too_large = True
                break
    if too_large:
        raise _WithStatus(413, LwswError("bad_settings", f"The {kind} is larger than {limit // _MEBIBYTE} MiB.", "Send a smaller file."))
    return bytes(body)


class _WithStatus(Exception):
    """An error with an HTTP status of its own."""

    def __init__(self, status: int, error: LwswError) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error


class _TokenCheck:
    """Refuses every request, known route or not, that does not carry the token."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(given, self._expected):
                hint = "Check the token in the extension's preferences, or stop that backend and let the extension start its own."
                error = LwswError("bad_token", "This backend does not accept the token.", hint)
                response = _error_response(401, error)
                response.headers["WWW-Authenticate"] = "Bearer"
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _handle_errors(app: FastAPI) -> None:
    """Make every failure the same JSON."""

    @app.exception_handler(LwswError)
    async def known(request: Request, error: LwswError) -> Response:
        status = _HTTP_STATUS.get(error.code, 422)
        if error.code == "missing_frames" and request.method == "GET":
            status = 404
        return _error_response(status, error)

    @app.exception_handler(_WithStatus)
    async def with_status(request: Request, error: _WithStatus) -> Response:
        return _error_response(error.status, error.error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = " ".join(str(part) for part in first.get("loc", ()) if part not in ("path", "query", "body"))
        message = f"The request is not valid: {where}: {first.get('msg', '')}.".replace(": :", ":")
        return _error_response(422, LwswError("bad_settings", message, "See docs/architecture.md for the form of requests."))

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        message = f"This backend does not understand {request.method} {request.url.path}."
        hint = "Update the extension and the backend so that they match."
        return _error_response(error.status_code, LwswError("version_mismatch", message, hint))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # nobody reads it

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        message = f"Something went wrong inside the backend: {type(error).__name__}."
        return _error_response(500, LwswError("internal", message, "Please report this with the backend's log."))


def _error_response(status: int, error: LwswError) -> JSONResponse:
    return JSONResponse({"error": error.to_dict()}, status_code=status)


def _body(media_type: str, example: Any = None) -> dict[str, Any]:
    """Describe a raw request body for OpenAPI."""
    schema = {"type": "object"} if media_type == "application/json" else {"type": "string", "format": "binary"}
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"requestBody": {"required": True, "content": {media_type: content}}}
