"""Gale: a wood engraving in black ink and one grey on warm paper; a cliff with a pine, a mountain, and a running sea.

Everything is said with lines of 2 to 6 pixels whose width makes the tone: they lie level in the sky, run down the mountain, follow the
swell. Blocks of solid black, the sun and the crests of 100 to 250 pixels carry the composition. Nearly without colour.
"""

from __future__ import annotations

import cv2
import numpy as np

from .craft import SHIFT, Array, clouds, curve, fixed, grid, mix, paper, ribbon, shrink, step, taper

SIZE = (576, 768)
SCALE = 3  # the blocks are cut at three times the size, so that thin lines have clean edges

PAPER = np.array((236, 220, 186), np.float32)
INK = np.array((30, 26, 30), np.float32)
GREY = np.array((118, 122, 124), np.float32)
RED = np.array((178, 62, 44), np.float32)


class Blocks:
    """The printing blocks at SCALE times the size: `key` (0 is ink, 255 paper), `tone` and `red` (0 none, 255 full)."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.large = (size[0] * SCALE, size[1] * SCALE)
        self.key = np.full(self.large, 255, np.uint8)
        self.tone = np.zeros(self.large, np.uint8)
        self.red = np.zeros(self.large, np.uint8)

    def clear(self, outline: Array, tone: int = 0) -> None:
        """Take away what lies behind a shape (N×2 points), and give the shape its grey."""
        polygon = [fixed(outline, SCALE)]
        cv2.fillPoly(self.key, polygon, (255,), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(self.tone, polygon, (tone,), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(self.red, polygon, (0,), cv2.LINE_AA, SHIFT)

    def line(self, points: Array, width: Array | float, ink: bool = True) -> None:
        """Cut one line (N×2 points, width in pixels), black or white."""
        ribbon(self.key, points, width, 0 if ink else 255, SCALE)

    def hatch(self, mask: Array, phase: Array, tone: Array) -> None:
        """Fill a mask with lines where `phase` (in lines) is whole; `tone` from 0 (paper) to 1 (black) is their share of the distance.

        Everything at the size of the blocks; lines thinner than 0.08 of the distance are left out, as a cutter would.
        """
        distance = np.abs(phase - np.round(phase)) * 2
        slope = np.hypot(*np.gradient(phase)) * 2 + 1e-6
        edge = np.clip((distance - tone) / (slope * 1.4) + 0.5, 0, 1)
        edge[tone < 0.08] = 1
        self.key[mask] = (edge[mask] * 255).astype(np.uint8)


def sky(blocks: Blocks, rng: np.random.Generator, y: Array, x: Array) -> None:
    """Level lines, dark above, that bend around the sun and make room for banks of cloud."""
    height, width = 1.0, x.max() / y.max()
    sun_x, sun_y, radius = 0.70 * width, 0.25 * height, 0.125
    near = np.hypot(x - sun_x, y - sun_y)
    large = clouds(rng, y.shape, 4, 2)
    small = clouds(rng, y.shape, 26, 2)
    stream = y + 0.020 * np.sin(x * 6.2 + 2.2 * large) + 0.050 * (large - 0.5)
    stream += 0.055 * np.sign(y - sun_y) * np.exp(-(((near - radius) / 0.11) ** 2)) * np.exp(-((x - sun_x) ** 2) / 0.05)
    tone = 0.86 - 1.25 * y + 0.55 * (large - 0.5) + 0.22 * (small - 0.5)
    tone = np.where(near < radius + 0.05, tone * 0.35, tone)
    blocks.hatch(np.ones(y.shape, bool), stream * 92, np.clip(tone, 0.0, 0.80))
    blocks.tone[:] = np.clip(235 * (0.62 - 1.6 * y) + 60 * (large - 0.5), 0, 190).astype(np.uint8)
    disc = near < radius
    blocks.key[disc], blocks.tone[disc], blocks.red[disc] = 255, 0, 235
    rim = np.abs(near - radius) < 0.0035
    blocks.key[rim] = 0


def bank_of_cloud(blocks: Blocks, rng: np.random.Generator, middle: tuple[float, float], reach: float, unit: float) -> None:
    """A scroll of cloud: a row of round billows, each with lines inside that echo its edge."""
    billows = []
    for k in range(9):
        along = (k - 4) / 4
        radius = reach * (0.40 - 0.22 * abs(along) + 0.06 * rng.random())
        billows.append((middle[0] + along * reach, middle[1] - 0.35 * radius + 0.012 * unit * rng.normal(), radius))
    turn = np.linspace(0, 2 * np.pi, 64)
    order = rng.permutation(len(billows))
    for k in order:
        bx, by, radius = billows[k]
        squeeze = 0.62
        ring = np.stack([bx + radius * np.cos(turn), by + squeeze * radius * np.sin(turn)], -1)
        blocks.clear(ring)
        blocks.line(ring, 2.4)
        for j, share in enumerate(np.arange(0.86, 0.2, -0.14)):
            span = np.linspace(np.pi * (0.05 + 0.05 * j), np.pi * (0.95 - 0.07 * j), 40)
            arc = np.stack([bx + share * radius * np.cos(span), by + squeeze * share * radius * np.sin(span)], -1)
            blocks.line(arc, 2.6 * taper(40, 0.8) * (1 - 0.08 * j))


def mountain(blocks: Blocks, rng: np.random.Generator, y: Array, x: Array) -> None:
    """A cone with snow on its head; lines run down from the top, heavy on the shadow side."""
    top_x, top_y, base = 0.80, 0.285, 0.60
    down = np.clip((y - top_y) / (base - top_y), 0, 1)
    half = 0.035 + 0.50 * down**1.45
    noise = clouds(rng, y.shape, 30, 3)
    across = (x - top_x) / half
    mask = (np.abs(across) < 1) & (y > top_y + 0.010 * np.sin(x * 120 + 1.2)) & (y < base)
    snow = down + 0.16 * np.abs(((across * 3.4 + noise) % 1) - 0.5) * 2 + 0.18 * (noise - 0.5)
    tone = 0.42 + 0.40 * step(across, 0.05, 0.30) + 0.45 * (noise - 0.5) - 0.45 * step(down, 0.93, 0.22)
    tone = np.where(snow < 0.36, np.where(across > 0.15, 0.22, 0.0) * (noise > 0.45), tone)
    phase = (x - top_x) / (0.0105 + 0.004 * down) - np.sign(x - top_x) * down * 8 + 1.6 * (noise - 0.5)
    blocks.key[mask] = 255
    blocks.hatch(mask, phase, np.clip(tone, 0, 0.85))
    blocks.red[mask] = 0
    blocks.tone[mask] = np.where(snow < 0.36, 0, 70 + 90 * step(across, 0.05, 0.2) * (1 - 0.6 * down)).astype(np.uint8)[mask]
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) > 0
    blocks.key[edge & (y < base - 0.01)] = 0


def crest_line(rng: np.random.Generator, width: float, base: float, tall: float, long: float) -> tuple[Array, Array]:
    """Return one crest from edge to edge (N×2) and its height above `base` as a share of `tall` (N); crests lean to the left and break."""
    t = np.arange(-1.5 * np.pi, (width / long + 2) * 2 * np.pi, 0.03)
    start = rng.uniform(0, 2 * np.pi)
    sway = 0.72 + 0.28 * np.sin(t / 2.7 + start)
    rise = np.clip(0.5 + 0.5 * np.cos(t + start), 0, 1) ** 1.7 * sway
    lean = -0.34 * long * rise**2.4
    x = t / (2 * np.pi) * long - long + lean
    y = base - tall * (rise - 0.16 * np.clip(rise - 0.8, 0, 1) * 4)
    return np.stack([x, y], -1), rise


def sea(blocks: Blocks, rng: np.random.Generator, size: tuple[int, int], horizon: float) -> None:
    """Rows of waves from the horizon to the viewer, each hiding what is behind it."""
    height, width = size
    rows = 8
    for k in range(rows):
        near = k / (rows - 1)
        base = horizon + (height * 1.06 - horizon) * (0.06 + 0.94 * near**1.35)
        tall, long = height * (0.012 + 0.185 * near**1.1), width * (0.10 + 0.46 * near)
        crest, rise = crest_line(rng, width, base, tall, long)
        below = np.array([[crest[-1, 0], height * 1.4], [crest[0, 0], height * 1.4]])
        blocks.clear(np.concatenate([crest, below]), tone=int(30 + 60 * near))
        gap = 4.2 + 4.6 * near
        count = int((tall * 1.5 + 40 + 30 * near) / gap)
        for j in range(1, count):
            # Lines below echo the crest and flatten out; they are heavy in the hollow before the crest, and open where light falls.
            flat = np.exp(-j * gap / (tall * 0.9 + 6))
            echo = crest.copy()
            echo[:, 1] = base - tall * rise * flat * 0.97 + j * gap * (0.55 + 0.45 * (1 - rise))
            echo[:, 0] = crest[:, 0] * 1.0 + (1 - flat) * 0.22 * long * rise**2
            echo[:, 1] += 0.9 * np.sin(echo[:, 0] / (11 + 8 * near) + j)
            side = np.gradient(rise)
            shadow = np.clip(0.50 + 26 * side, 0.10, 1.0)
            broken = 0.5 + 0.5 * np.sin(echo[:, 0] / (23 + 40 * near) + 2.3 * j + rng.uniform(0, 6))
            weight = gap * 0.72 * shadow * (0.35 + 0.65 * broken) * (1 - 0.45 * j / count)
            weight[weight < 0.5] = 0
            for run in runs(weight > 0):
                blocks.line(echo[run], weight[run] * np.minimum(1, taper(run.stop - run.start, 0.7) * 1.6))
        blocks.line(crest, 1.2 + 2.4 * near)
        if near > 0.12:
            foam(blocks, rng, crest, rise, tall, near)


def runs(keep: Array) -> list[slice]:
    """Return the stretches of at least 6 points where `keep` is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.astype(np.int8), [0]])))
    return [slice(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 6]


def foam(blocks: Blocks, rng: np.random.Generator, crest: Array, rise: Array, tall: float, near: float) -> None:
    """Round curls of foam on the upper part of a crest, and spray before it."""
    turn = np.linspace(0, 2 * np.pi, 28)
    circle = np.stack([np.cos(turn), np.sin(turn)], -1)
    high = np.flatnonzero(rise > 0.50)
    if not len(high):
        return
    distance = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(crest, axis=0).T))])
    spots = []
    last = -1e9
    for i in high:
        radius = (2.2 + 9.5 * near) * (0.35 + 0.75 * rise[i])
        if distance[i] - last > radius * 0.95:
            spots.append((i, radius * rng.uniform(0.75, 1.15)))
            last = distance[i]
    for drop in (1.5, 0.5):  # two rows, the lower one first
        for i, radius in spots:
            middle = crest[i] + (rng.normal(0, 0.22) * radius, radius * drop)
            ring = middle + circle * radius
            blocks.clear(ring)
            blocks.line(ring, 1.1 + 1.3 * near)
            if radius > 4:
                blocks.line(middle + circle[2:15] * radius * 0.55, (1.0 + 1.6 * near) * taper(13))
    for i in rng.choice(high, min(len(high), int(30 + 70 * near))):
        spot = crest[i] + (-rng.exponential(0.25) * tall - 3, rng.normal(-0.16, 0.15) * tall - 3)
        radius = rng.uniform(0.6, 1.2 + 2.1 * near)
        cv2.circle(blocks.key, tuple(int(v) for v in fixed(spot, SCALE)), int(radius * SCALE * 2**SHIFT), 255, -1, cv2.LINE_AA, SHIFT)
        cv2.circle(blocks.key, tuple(int(v) for v in fixed(spot, SCALE)), int(radius * SCALE * 2**SHIFT), 0, 2, cv2.LINE_AA, SHIFT)


def cliff(blocks: Blocks, rng: np.random.Generator, y: Array, x: Array) -> None:
    """A dark headland at the left, cut in slanting strata with lit ledges."""
    coarse, fine = clouds(rng, y.shape, 7, 2), clouds(rng, y.shape, 26, 3)
    ledge = (y * 7.5 + 0.8 * coarse) % 1
    edge = 0.30 + 0.055 * np.sin(y * 13) - 0.06 * ledge + 0.22 * step(y, 0.80, 0.22) + 0.07 * (fine - 0.5)
    top = 0.46 + 0.55 * (x - 0.13) ** 2 * 2 + 0.03 * (fine - 0.5) + 0.015 * np.sin(x * 40)
    mask = (x < edge) & (y > top)
    facet = (x * 9 + y * 2.5 + 1.8 * coarse) % 1
    tone = 0.30 + 0.75 * facet - 0.55 * (ledge < 0.16) + 0.5 * (fine - 0.5)
    slant = (x * 0.86 - y * 0.50 + 0.050 * coarse + 0.010 * fine) * 96 + 3.0 * np.floor(x * 9 + y * 2.5 + 1.8 * coarse)
    blocks.red[mask] = 0
    blocks.tone[mask] = (40 + 150 * facet).astype(np.uint8)[mask]
    blocks.hatch(mask, slant, np.clip(tone, 0, 0.93))
    rim = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((9, 9), np.uint8)) > 0
    blocks.key[rim] = 0
    crack = np.abs(facet - 0.02) < 0.022
    blocks.key[crack & mask] = 0


def pine(blocks: Blocks, rng: np.random.Generator, size: tuple[int, int]) -> None:
    """A pine bent by the wind: a black trunk with cut-out bark, and flat pads of needles."""
    height = size[0]
    limbs = [
        ([(0.13, 0.52), (0.17, 0.42), (0.14, 0.32), (0.22, 0.23), (0.34, 0.18), (0.50, 0.17)], 0.046),
        ([(0.155, 0.36), (0.24, 0.345), (0.33, 0.355), (0.40, 0.335)], 0.018),
        ([(0.15, 0.31), (0.09, 0.25), (0.03, 0.23)], 0.020),
        ([(0.22, 0.23), (0.20, 0.15), (0.24, 0.09)], 0.018),
        ([(0.34, 0.18), (0.42, 0.235), (0.54, 0.25)], 0.015),
    ]
    lines = []
    for points, thick in limbs:
        line = curve(np.array(points) * height, 90)
        line += np.stack([np.sin(np.arange(90) / 5.0), np.cos(np.arange(90) / 7.0)], -1) * 1.3
        lines.append(line)
        weight = thick * height * np.linspace(1, 0.22, 90) * (1 + 0.10 * np.sin(np.arange(90) / 4.0))
        blocks.line(line, weight + 4, ink=False)
        blocks.line(line, weight)
        for _ in range(int(thick * 900)):
            i = int(rng.uniform(2, 74))
            piece = line[i : i + 14] + rng.uniform(-0.38, 0.2) * weight[i] * np.array((0.8, -0.6))
            blocks.line(piece, 1.5 * taper(len(piece)), ink=False)
    pads = [(0.03, 0.215, 0.075), (0.10, 0.235, 0.06), (0.25, 0.075, 0.085), (0.18, 0.12, 0.07), (0.31, 0.125, 0.075), (0.42, 0.135, 0.09)]
    pads += [(0.53, 0.145, 0.085), (0.36, 0.31, 0.08), (0.44, 0.315, 0.06), (0.27, 0.325, 0.06), (0.50, 0.225, 0.07), (0.59, 0.235, 0.055)]
    for cx, cy, reach in pads:
        pad(blocks, rng, np.array((cx, cy)) * height, reach * height)


def pad(blocks: Blocks, rng: np.random.Generator, middle: Array, reach: float) -> None:
    """One cushion of needles: fans of short strokes, the back rows first, all blown a little to the right."""
    turn = np.linspace(0, 2 * np.pi, 40)
    wobble = 1 + 0.10 * np.sin(turn * 5 + rng.uniform(0, 6))
    blocks.clear(middle + np.stack([np.cos(turn), 0.36 * np.sin(turn)], -1) * (reach * wobble)[:, None], tone=110)
    for level in np.linspace(-0.30, 0.26, 4):
        half = reach * np.sqrt(max(0.05, 1 - (level / 0.42) ** 2)) * 0.92
        for along in np.arange(-half, half, reach * 0.155):
            root = middle + np.array((along + rng.normal(0, 1.5), level * reach + 5 + rng.normal(0, 1.2)))
            for angle in np.linspace(-2.9, -0.25, 9) + rng.normal(0, 0.05, 9):
                long = reach * rng.uniform(0.15, 0.21)
                tip = root + long * np.array((np.cos(angle) + 0.22, np.sin(angle)))
                blocks.line(np.linspace(root, tip, 5), np.array((2.0, 1.9, 1.6, 1.2, 0.5)))
    under = np.linspace(-0.9, 0.9, 30)
    lower = middle + np.stack([under * reach, 0.33 * reach * (1 - under**2) ** 0.5 + 2], -1)
    blocks.line(lower, 2.8 * taper(30))


def gulls(blocks: Blocks, rng: np.random.Generator, size: tuple[int, int]) -> None:
    """A few gulls against the wind."""
    height, width = size
    for _ in range(7):
        x, y, span = rng.uniform(0.38, 0.51) * width, rng.uniform(0.31, 0.40) * height, rng.uniform(7, 15)
        shape = np.array([(-1, -0.25), (-0.45, -0.5), (0, 0), (0.5, -0.55), (1, 0)])
        wing = curve(np.array((x, y)) + span * shape, 30)
        blocks.line(wing, 4.6 * taper(30, 0.8), ink=False)
        blocks.line(wing, 2.4 * taper(30, 0.8))


def seal(blocks: Blocks, size: tuple[int, int]) -> None:
    """A small red stamp at the lower right."""
    height, width = size
    x, y, side = width * 0.945, height * 0.885, height * 0.045
    square = np.array([(x, y), (x + side, y), (x + side, y + side * 1.25), (x, y + side * 1.25)])
    blocks.clear(square)
    cv2.fillPoly(blocks.red, [fixed(square, SCALE)], (250,), cv2.LINE_AA, SHIFT)
    for share in (0.28, 0.52, 0.76):
        bar = np.array([(x + side * 0.2, y + side * 1.25 * share), (x + side * (0.5 + 0.4 * share), y + side * 1.25 * share)])
        ribbon(blocks.red, bar, 2.0, 0, SCALE)
    ribbon(blocks.red, np.array([(x + side * 0.5, y + side * 0.2), (x + side * 0.5, y + side * 1.05)]), 2.0, 0, SCALE)


def paint(seed: int = 0, size: tuple[int, int] = SIZE) -> Array:
    """Cut and print the picture; returns H×W×3 uint8, sRGB."""
    rng = np.random.default_rng(seed)
    blocks = Blocks(size)
    y, x = (axis / blocks.large[0] for axis in grid(blocks.large))
    sky(blocks, rng, y, x)
    mountain(blocks, rng, y, x)
    for cx, cy, reach in ((0.92, 0.46, 0.13), (0.99, 0.52, 0.10), (0.35, 0.535, 0.12)):
        bank_of_cloud(blocks, rng, (cx * size[1], cy * size[0]), reach * size[1], size[0])
    sea(blocks, rng, size, 0.565 * size[0])
    cliff(blocks, rng, y, x)
    pine(blocks, rng, size)
    gulls(blocks, rng, size)
    seal(blocks, size)
    return printed(blocks, rng)


def printed(blocks: Blocks, rng: np.random.Generator) -> Array:
    """Print the blocks: grey with the grain of its plank, red, then black, each a little uneven, on fibrous paper."""
    size = blocks.size
    key, tone, red = (shrink(block, size) / 255 for block in (blocks.key, blocks.tone, blocks.red))
    y, x = grid(size)
    knots = clouds(rng, size, 3, 2)
    grain = 0.5 + 0.5 * np.sin((y + 60 * knots + 5 * np.sin(x / 90)) / 1.15)
    speckle = clouds(rng, size, size[1] // 3, 2)
    tooth = paper(rng, size, 1.1)
    sheet = PAPER * (1 + 0.020 * tooth + 0.035 * (clouds(rng, size, 6, 4) - 0.5))[..., None]
    for _ in range(260):  # fibres
        start = rng.uniform(0, 1, 2) * size[::-1]
        angle = rng.uniform(0, np.pi)
        turns = np.array((angle, angle, angle + 0.6))
        bend = curve(start + np.array((0, 9, 17))[:, None] * np.stack([np.cos(turns), np.sin(turns)], -1), 12)
        cv2.polylines(sheet, [fixed(bend, 1)], False, tuple(float(v) for v in PAPER * rng.choice((0.90, 1.06))), 1, cv2.LINE_AA, SHIFT)
    picture = mix(sheet, GREY * np.ones_like(sheet), np.clip(tone * (0.62 + 0.38 * grain) * (0.8 + 0.35 * speckle), 0, 1) * 0.8)
    picture = mix(picture, RED * np.ones_like(sheet), np.clip(red * (0.72 + 0.2 * grain + 0.25 * (speckle - 0.3)), 0, 1))
    cover = (1 - key) * np.clip(1.08 - 0.40 * step(speckle, 0.72, 0.25) * (0.6 + 0.8 * (tooth < 0)), 0, 1)
    picture = mix(picture, INK * np.ones_like(sheet), np.clip(cover, 0, 1))
    return np.clip(picture, 0, 255).astype(np.uint8)
