"""The preview: a real server and a real process over real sockets; and the still that is painted, against what a job paints."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from support_jobs import error_code, picture, wait_until

from lwsw.core.live_picture import LivePicture
from lwsw.core.look_painter import Method
from lwsw.core.sequence import Frame, Stylizer
from lwsw.core.still_constants import Goal, PaintingStatistics, PictureConstants
from lwsw.jobs.frame_reader import image_to_tensor
from lwsw.jobs.job_network import job_network
from lwsw.jobs.settings import StylizeSettings
from lwsw.media.images import decode_image, encode_png16
from lwsw.preview.order import Order
from lwsw.preview.sheet import draw_sheet, places, sheet_size
from lwsw.profiles import FrameValues, LayerWeights, Look
from lwsw.server.preview import Preview
from lwsw.server.preview_routes import add_preview_routes

HEIGHT, WIDTH = 36, 64
SHALLOW = Look(LayerWeights({"relu1_1": 1.0, "relu2_1": 1.0}))
NOTHING_YET = {"styles": ["painting.png"], "settings": {"layer_weights": {"relu1_1": 1.0, "relu2_1": 0.5}, "first_iterations": 4}}


@pytest.fixture(scope="module")
def network():
    return job_network(StylizeSettings())


def smooth(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return a picture with structure at several scales."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / 16
    waves = [np.sin(generator.uniform(0.5, 4) * x + generator.uniform(0.5, 4) * y + generator.uniform(0, 6)) for _ in range(3)]
    return (0.5 + 0.3 * np.stack(waves, -1) + 0.1 * generator.standard_normal((height, width, 3))).clip(0, 1).astype(np.float32)


@pytest.fixture
def constants(network) -> PictureConstants:
    return PictureConstants(network, image_to_tensor(smooth(1)))


@pytest.fixture(scope="module")
def painting(network) -> PaintingStatistics:
    return PaintingStatistics(network, image_to_tensor(smooth(2, 48, 48)))


def run(still: LivePicture, iterations: int) -> float:
    """Do iterations until there have been so many since the settings came; return the loss."""
    while still.iteration < iterations and not still.settled:
        still.step()
    return still.loss


# ---------------------------------------------------------------- the still


@pytest.mark.parametrize(
    ("color", "normalization"),
    [("painting", "calibrated"), ("luminance", "calibrated"), ("histogram", "calibrated"), ("painting", "gatys")],
)
def test_a_still_is_what_a_job_of_one_frame_gives(network, color, normalization):
    look = Look(LayerWeights({"relu1_1": 1.0, "relu3_1": 0.5}), color=color)
    method = Method(4, 5, normalization=normalization, seed=3)
    if normalization == "gatys":
        network = job_network(StylizeSettings(normalization="gatys"))
    stylizer = Stylizer(network, [image_to_tensor(smooth(2, 48, 48))], [set(look.layer_weights)], method)
    expected = stylizer.stylize(Frame(1, image_to_tensor(smooth(1)), FrameValues(look)), None).image.clamp(0, 1)
    still = LivePicture(PictureConstants(network, image_to_tensor(smooth(1))))
    still.aim([Goal.of(look, method, [PaintingStatistics(network, image_to_tensor(smooth(2, 48, 48)))])])
    run(still, 5)
    assert still.settled  # its limit of iterations
    assert torch.allclose(still.picture(), expected, atol=2e-5)


def test_a_small_change_goes_on_from_the_present_picture(constants, painting):
    method = Method(4, 30)
    still = LivePicture(constants)
    still.aim([Goal.of(SHALLOW, method, [painting])])
    run(still, 25)
    before = still.picture()
    changed = [Goal.of(Look(LayerWeights({"relu1_1": 1.0, "relu2_1": 1.2}), content_weight=1.1), method, [painting])]
    still.aim(changed)
    assert torch.allclose(still.picture(), before, atol=1e-6)  # nothing jumps
    fresh = LivePicture(constants)
    fresh.aim(changed)
    continued, anew = run(still, 3), run(fresh, 3)
    assert continued < 0.5 * anew
    assert float((still.picture() - before).abs().max()) > 1e-4  # and it moves within three iterations
    # and its past does not hold it back
    assert run(still, 25) < 1.1 * run(fresh, 25)


def test_weights_pull_the_picture_their_way(constants, painting):
    still = LivePicture(constants)
    distance = {}
    color = constants.whole.scene.color
    for content_weight in (1.0, 50.0, 0.0):
        still.aim([Goal.of(Look(SHALLOW.layer_weights, content_weight), Method(4, 15), [painting])])
        run(still, 15)
        distance[content_weight] = float((still.picture() - color).square().mean())
    assert distance[50.0] < distance[1.0]
    assert distance[50.0] < distance[0.0]
    still.aim([Goal.of(Look(SHALLOW.layer_weights, strength=0.0), Method(4, 30), [painting])])
    run(still, 30)
    assert still.settled and torch.equal(still.picture(), color)


def test_what_is_known_is_not_measured_again(network, constants, painting, monkeypatch):
    measured = []
    forward = type(network).statistics
    monkeypatch.setattr(type(network), "statistics", lambda self, *a, **k: measured.append(1) or forward(self, *a, **k))
    still = LivePicture(constants)
    still.aim([Goal.of(SHALLOW, Method(4, 60), [painting])])
    still.step()
    first = len(measured)
    raised = Look(LayerWeights({"relu1_1": 0.5, "relu5_1": 2.0}), strength=2.0)  # a slider raised from zero
    still.aim([Goal.of(raised, Method(4, 60), [painting])])
    still.step()
    assert len(measured) == first + 1  # the evaluation itself
    still.aim([Goal.of(Look(LayerWeights({"relu3_2": 1.0})), Method(4, 60), [painting])])  # a layer without a slider
    still.step()
    assert len(measured) > first + 2


def test_large_pictures_begin_coarse(network):
    painting = PaintingStatistics(network, image_to_tensor(smooth(2)))
    still = LivePicture(PictureConstants(network, image_to_tensor(smooth(1, 200, 208))))
    still.aim([Goal.of(SHALLOW, Method(1, 2), [painting])])
    still.step()
    assert still.is_coarse and tuple(still.picture().shape) == (1, 3, 200, 208)
    still.step()
    assert not still.is_coarse and not still.settled
    # settings that come between two levels are not lost
    still.aim([Goal.of(Look(SHALLOW.layer_weights, color="luminance"), Method(1, 2), [painting])])
    run(still, 2)
    difference = still.picture() - image_to_tensor(smooth(1, 200, 208))
    inside = (still.picture() > 0.001) & (still.picture() < 0.999)
    spread = (difference.amax(1) - difference.amin(1))[inside.all(1)]
    assert float(spread.max()) < 1e-4  # light and dark only: the colours are the render's


def test_orders_are_checked():
    assert Order.from_dict({"styles": ["a"]}).values(0).look.layer_weights["relu1_1"] == 1.0
    for wrong in (
        None,
        {"styles": []},
        {"styles": "a"},
        {"styles": ["a"], "cells": []},
        {"styles": ["a"], "cells": [{}]},
        {"styles": ["a"], "cells": [{"settings": {}}], "columns": 2},
        {"styles": ["a"], "what": 1},
        {"styles": ["a"], "settings": {"style_weights": {"b": 1}}},
        {"styles": ["a"], "settings": {"regions": [{"objects": ["Cube"], "style_weights": {"b": 1}}]}},
        {"styles": ["a"], "settings": {"strength": "much"}, "columns": 1},
    ):
        assert error_code(Order.from_dict, wrong) in ("bad_settings", "bad_weights")


def test_cells_lie_where_they_are_said_to_be():
    pictures = [np.full((20, 90, 3), value, np.float32) for value in (0.2, 0.5, 0.9)]
    sheet = draw_sheet(pictures, ["one", "a label that is far too long for this cell", ""], 2)
    laid = places(3, 2, 90, 20)
    assert sheet.shape == (*reversed(sheet_size(3, 2, 90, 20)), 3)
    for place, painted in zip(laid, pictures, strict=True):
        assert np.array_equal(sheet[place.y : place.y + 20, place.x : place.x + 90], painted)
    labels = [sheet[place.y + 20 : place.y + place.height, place.x : place.x + 90] for place in laid]
    assert [bool(label.std() > 0.01) for label in labels] == [True, True, False]
    assert laid[2].y > laid[0].y and laid[2].x == laid[0].x


# ---------------------------------------------------------------- the server


class Backend:
    """A running backend and a client of its preview."""

    def __init__(self, jobs: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lwsw", "serve", "--exit-with-parent", "--jobs", str(jobs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LWSW_TOKEN": ""},
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        headers = {"Authorization": f"Bearer {ready['token']}"}
        self.client = httpx.Client(base_url=ready["url"], headers=headers, timeout=30.0, trust_env=False)
        self.id = ""

    def begin(self) -> None:
        self.id = self.client.post("/v1/preview").json()["id"]
        assert self.put("source?width=64", encode_png16(smooth(1, 72, 128))).status_code == 200
        assert self.put("paintings/painting.png", encode_png16(smooth(2, 48, 48))).status_code == 200

    def put(self, what: str, content: bytes) -> httpx.Response:
        return self.client.put(f"/v1/preview/{self.id}/{what}", content=content)

    def order(self, **order: object) -> int:
        response = self.put("settings", json.dumps({**NOTHING_YET, **order}).encode())
        assert response.status_code == 200, response.text
        return response.json()["settings"]

    def state(self, **query: object) -> dict:
        return self.client.get(f"/v1/preview/{self.id}", params=query).json()

    def settle(self, number: int) -> dict:
        state = self.state()
        deadline = time.monotonic() + 180
        while state["settings"] != number or not (state["settled"] or state["error"]):
            assert time.monotonic() < deadline, state
            state = self.state(after=state["revision"], wait=5)
        return state

    def picture(self, **query: str) -> bytes:
        response = self.client.get(f"/v1/preview/{self.id}/picture", params=query)
        assert response.status_code == 200, response.text
        return response.content

    def children(self) -> list[int]:
        return [int(text) for task in Path(f"/proc/{self.process.pid}/task").iterdir() for text in (task / "children").read_text().split()]

    def painters(self) -> list[int]:
        return [pid for pid in self.children() if b"preview_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.fixture(scope="module")
def backend(tmp_path_factory) -> Iterator[Backend]:
    backend = Backend(tmp_path_factory.mktemp("jobs"))
    yield backend
    backend.client.post("/v1/shutdown")
    painters = backend.painters()
    assert backend.process.wait(10) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in painters)
    backend.process.stdout.close()
    backend.process.stdin.close()
    backend.client.close()


def test_a_preview_over_http(backend):
    assert backend.client.get("/v1/preview/nobody").json()["error"]["code"] == "preview_not_found"
    backend.id = backend.client.post("/v1/preview").json()["id"]
    assert backend.put("settings", json.dumps(NOTHING_YET).encode()).json()["error"]["code"] == "missing_frames"
    assert backend.put("source?width=64", b"no picture").json()["error"]["code"] == "unreadable_frame"
    assert backend.put("passes", b"no passes").json()["error"]["code"] == "missing_frames"
    assert backend.put("source?width=5", picture(1, 64, 36)).json()["error"]["code"] == "bad_settings"
    assert backend.put("source?width=64", encode_png16(smooth(1, 72, 128))).json()["bytes"] > 1000
    assert backend.put("passes", b"what is wrong in it is said once a region asks").json()["bytes"] == 46
    assert backend.put("settings", json.dumps(NOTHING_YET).encode()).json()["error"]["code"] == "missing_style"
    assert backend.put("paintings/painting.png", b"no picture").json()["error"]["code"] == "unreadable_style"
    backend.put("paintings/painting.png", encode_png16(smooth(2, 48, 48)))
    assert backend.put("settings", b"{").json()["error"]["code"] == "bad_settings"
    before = backend.state()
    assert (before["painted"], before["width"], before["running"]) == (0, 0, True)
    assert backend.client.get(f"/v1/preview/{backend.id}/picture").json()["error"]["code"] == "missing_frames"
    number = backend.order()
    state = backend.settle(number)
    assert state["error"] is None, state
    assert (state["width"], state["height"], state["painted"], state["iteration"]) == (64, 36, number, 4)
    assert state["cells"] == [] and state["revision"] > before["revision"]
    png = decode_image(backend.picture())
    raw = np.frombuffer(backend.picture(form="raw"), np.uint8).reshape(36, 64, 3)
    assert np.array_equal(np.rint(png * 255), raw)
    source = decode_image(backend.picture(of="source"))
    assert np.abs(source - smooth(1, 72, 128).reshape(36, 2, 64, 2, 3).mean((1, 3))).max() < 1e-4
    assert np.abs(source - png).mean() > 0.005
    # somebody who waits hears of a change at once, and of nothing after the time he gave
    assert backend.state(after=state["revision"], wait=0.1)["revision"] == state["revision"]
    backend.order(settings={**NOTHING_YET["settings"], "strength": 2.0})
    assert backend.state(after=state["revision"], wait=20)["revision"] > state["revision"]
    # from the beginning with the first settings: the first picture again, to the bit
    restarted = backend.put("settings?restart=true", json.dumps(NOTHING_YET).encode()).json()["settings"]
    assert backend.settle(restarted)["error"] is None
    assert np.array_equal(decode_image(backend.picture()), png)
    assert json.loads(backend.client.get("/v1/openapi.json").text)["paths"]["/v1/preview/{preview}/settings"]


def test_a_sheet_of_variations(backend):
    backend.begin()
    cells = [
        {"label": f"strength {s}", "settings": {**NOTHING_YET["settings"], "strength": s, "first_iterations": 2}} for s in (0.0, 1.0, 5.0)
    ]
    response = backend.put("settings", json.dumps({"styles": ["painting.png"], "cells": cells, "columns": 2}).encode())
    state = backend.settle(response.json()["settings"])
    assert state["error"] is None and [cell["label"] for cell in state["cells"]] == [cell["label"] for cell in cells]
    sheet, source = decode_image(backend.picture()), decode_image(backend.picture(of="source"))
    assert sheet.shape[:2] == (state["height"], state["width"])
    parts = [sheet[cell["y"] : cell["y"] + 36, cell["x"] : cell["x"] + 64] for cell in state["cells"]]
    assert np.abs(parts[0] - source).max() < 1e-4  # strength 0
    assert 0.001 < np.abs(parts[1] - source).mean() < np.abs(parts[2] - source).mean()


def test_a_newer_client_takes_over(backend):
    backend.begin()
    older = backend.id
    backend.begin()
    answer = backend.client.get(f"/v1/preview/{older}")
    assert answer.status_code == 409 and answer.json()["error"]["code"] == "preview_taken"
    assert "Another window" in answer.json()["error"]["message"]
    assert backend.settle(backend.order())["error"] is None
    assert len(backend.painters()) == 1
    assert backend.client.delete(f"/v1/preview/{backend.id}").json() == {"ended": backend.id}
    assert backend.painters() == []
    assert backend.client.get(f"/v1/preview/{backend.id}").json()["error"]["code"] == "preview_not_found"


def test_a_killed_process_is_said_and_replaced(backend):
    backend.begin()
    backend.settle(backend.order(settings={**NOTHING_YET["settings"], "first_iterations": 20}))
    finished = decode_image(backend.picture())
    (painter,) = backend.painters()
    os.kill(painter, signal.SIGKILL)
    state = wait_until(lambda: (state := backend.state()) and state["error"] and state)
    assert state["error"]["code"] == "worker_died" and "SIGKILL" in state["error"]["message"]
    assert not state["running"] and decode_image(backend.picture()).shape == finished.shape
    number = backend.order(settings={**NOTHING_YET["settings"], "first_iterations": 2, "content_weight": 1.01})
    state = backend.settle(number)
    assert state["error"] is None and state["running"] and backend.painters() != [painter]
    # it has gone on from the picture that was there
    assert np.abs(decode_image(backend.picture()) - finished).mean() < 0.02


def test_errors_of_painting_arrive_and_leave_the_process(backend):
    backend.begin()
    number = backend.order(settings={"layer_weights": {"relu1_1": 1}, "device": "cuda:99"})
    assert backend.settle(number)["error"]["code"] == "no_device"
    (painter,) = backend.painters()
    assert backend.settle(backend.order())["error"] is None
    assert backend.painters() == [painter]


def test_it_is_said_that_a_job_takes_a_share_of_the_machine():
    async def read(request, kind):
        return await request.body()

    async def note(app):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://preview") as client:
            identifier = (await client.post("/v1/preview")).json()["id"]
            return (await client.get(f"/v1/preview/{identifier}")).json()["note"]

    app, preview = FastAPI(), Preview(lambda: [sys.executable, "-c", "import sys; sys.stdin.read()"])
    add_preview_routes(app, preview, lambda: True, read)
    try:
        assert "share this machine" in asyncio.run(note(app))
    finally:
        preview.close()


def test_an_idle_process_ends_and_comes_back():
    command = [sys.executable, "-m", "lwsw.server.preview_worker"]
    preview = Preview(lambda: command, idle_seconds=0.8)
    try:
        identifier = preview.begin()
        process = preview._process
        preview.put_source(identifier, encode_png16(smooth(1)), 64)
        preview.put_painting(identifier, "painting.png", encode_png16(smooth(2)))
        wait_until(lambda: not preview.state(identifier)["running"])
        assert process.poll() is not None
        assert preview.state(identifier)["error"] is None
        preview._idle_seconds = 60.0
        preview.put_order(identifier, NOTHING_YET)
        state = wait_until(lambda: (state := preview.state(identifier)) and state["settled"] and state, 180)
        assert state["running"] and state["width"] == 64
        preview._abandoned_seconds = 0.5
        wait_until(lambda: preview._process is None)  # nobody asks any more
    finally:
        preview.close()
    assert error_code(preview.begin) == "backend_gone"
