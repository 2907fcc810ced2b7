"""Poppies: a loose watercolour on rough white paper; transparent washes laid over one another.

A wash is a thin film that takes away light: where two overlap, their colours multiply (Beer's law). Each has what real ones have: an
outline that crept outwards (a polygon whose edges are broken again and again), pigment carried to the drying edge, clouds of pigment 40 to
150 pixels wide, blooms where water ran back, and granulation of 2 to 6 pixels in the hollows of the paper. Light in tone; the flowers are
200 to 300 pixels large.
"""

from __future__ import annotations

import cv2
import numpy as np

from .craft import SHIFT, Array, Colour, clouds, curve, fixed, grid, paper, ribbon, shrink, step, taper

SIZE = (576, 768)
WHITE = np.array((253, 251, 245), np.float32)

# The colour of one full layer of each pigment on white paper.
SCARLET = (232, 62, 40)
CORAL = (248, 120, 84)
ROSE = (226, 60, 104)
CARMINE = (164, 22, 58)
PEACH = (252, 204, 160)
PLUM = (92, 40, 92)
INDIGO = (44, 52, 92)
SKY = (158, 206, 226)
AQUA = (148, 214, 200)
LILAC = (204, 186, 228)
SAP = (112, 150, 56)
OLIVE = (86, 108, 42)
MOSS = (168, 196, 96)
LEMON = (250, 228, 110)


class Sheet:
    """Paper with the washes laid so far, as optical density per channel (H×W×3): 0 is bare paper."""

    def __init__(self, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self.rng, self.size = rng, size
        self.tooth = paper(rng, size, 2.0)
        self.fine = paper(rng, size, 0.9)
        self.density = np.zeros((*size, 3), np.float32)
        # One large set of pigment clouds for all washes, each taking another piece: making new ones would take most of the time.
        large = (size[0] * 2, size[1] * 2)
        self.flow = [clouds(rng, large, cells, 3) for cells in (10, 22)]
        self.wander = [clouds(rng, size, cells, 3) - 0.5 for cells in (9, 9, 30, 30)]

    def piece(self, field: Array) -> Array:
        """Return a piece of the sheet's size from a random place of a larger field."""
        top, left = int(self.rng.integers(self.size[0])), int(self.rng.integers(self.size[1]))
        return field[top : top + self.size[0], left : left + self.size[1]]

    def wash(
        self, mask: Array, pigment: Colour, strength: float, *, edge: float = 0.8, grain: float = 0.35, fade: Array | None = None
    ) -> None:
        """Lay a wash where `mask` (H×W, 0..1) is, with `strength` layers of the pigment.

        `edge`: how much pigment gathers in the drying edge; `grain`: how much in the hollows; `fade`: a factor per pixel.
        """
        inner = np.minimum(cv2.GaussianBlur(mask, (0, 0), 2.2), mask)
        wide = np.minimum(cv2.GaussianBlur(mask, (0, 0), 9), mask)
        rim = np.clip(mask - inner, 0, 1) * 1.7 + np.clip(mask - wide, 0, 1) * 0.55
        pools = self.piece(self.flow[0]) * 0.65 + self.piece(self.flow[1]) * 0.45
        amount = mask * (0.26 + 1.15 * pools**1.5) + edge * rim * (0.55 + 0.8 * self.piece(self.flow[1]))
        if fade is not None:
            amount = amount * fade
        amount = amount * np.clip(1 - grain * (0.75 * self.tooth + 0.55 * self.fine), 0, 2)
        self.density += (strength * amount)[..., None] * -np.log(np.array(pigment, np.float32) / 255)

    def lift(self, mask: Array, share: float) -> None:
        """Take pigment away: a damp brush, a drop of water, a scratch."""
        self.density *= (1 - share * mask)[..., None]

    def shape(self, outline: Array, creep: float = 1.0, softness: float = 0.7) -> Array:
        """Return the mask of an outline (N×2 pixels) as wet paint fills it: edges meander by about 3 `creep` pixels."""
        mask = np.zeros(self.size, np.uint8)
        cv2.fillPoly(mask, [fixed(broken(self.rng, outline, creep), 1)], (255,), cv2.LINE_AA, SHIFT)
        return self.creep(cv2.GaussianBlur(mask, (0, 0), softness).astype(np.float32) / 255, creep)

    def creep(self, mask: Array, amount: float) -> Array:
        """Bend a mask's edges along the meanders."""
        y, x = grid(self.size)
        a, b, c, d = self.wander
        return cv2.remap(
            mask, x + amount * (10 * a + 4 * c), y + amount * (10 * b + 4 * d), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )

    def bloom(self, middle: tuple[float, float], radius: float, strength: float = 0.6) -> None:
        """Let water run back into a damp wash: a pale patch with a frilled dark rim."""
        y, x = grid(self.size)
        angle = np.arctan2(y - middle[1], x - middle[0])
        frill = 0.10 * np.sin(angle * 3 + 1.3 * middle[0]) + 0.05 * np.sin(angle * 7 + middle[1]) + 0.030 * np.sin(angle * 23 + middle[0])
        away = np.hypot(x - middle[0], y - middle[1]) / radius / (1 + frill + 0.45 * self.wander[0] + 0.45 * self.wander[2])
        self.density *= (1 - strength * (1 - step(away, 0.93, 0.10)) * (0.55 + 0.45 * np.clip(away, 0, 1)))[..., None]
        rim = np.exp(-(((away - 1.0) / 0.055) ** 2)) + 0.35 * np.clip(1 - np.abs(away - 1.10) / 0.16, 0, 1)
        self.density *= (1 + 0.75 * strength * rim)[..., None]


def broken(rng: np.random.Generator, outline: Array, creep: float) -> Array:
    """Break each edge of an outline in the middle, three times over, and move the break by a share of the edge's length."""
    points = np.asarray(outline, np.float64)
    for _ in range(3):
        following = np.roll(points, -1, 0)
        length = np.hypot(*(following - points).T)[:, None]
        middle = (points + following) / 2 + rng.normal(0, 0.075 * creep, points.shape) * length
        points = np.stack([points, middle], 1).reshape(-1, 2)
    return points


def petal(middle: Array, angle: float, reach: float, spread: float, rng: np.random.Generator) -> Array:
    """Return the outline of one petal (N×2): a fan that opens from the middle, with a wavy outer edge."""
    t = np.linspace(-1, 1, 30)
    ruffle = 1 + 0.05 * np.sin(t * 9 + rng.uniform(0, 6)) + 0.04 * np.sin(t * 17 + rng.uniform(0, 6))
    radius = reach * (1 - 0.42 * np.abs(t) ** 2.6) * ruffle
    outer = np.stack([radius * np.cos(angle + t * spread), radius * np.sin(angle + t * spread)], -1)
    return middle + np.concatenate([outer, outer[::-1][:3] * 0.12])


def flower(sheet: Sheet, middle: tuple[float, float], reach: float, tilt: float, pigments: tuple[Colour, Colour, Colour]) -> None:
    """A poppy seen a little from the side: back petals, front petals, dark heart, stamens."""
    rng = sheet.rng
    y, x = grid(sheet.size)
    heart = np.array(middle, float)
    squeeze = np.array((1.0, 1 - 0.38 * tilt))
    away = np.hypot((x - heart[0]), (y - heart[1]) / squeeze[1]) / reach
    turn = np.arctan2((y - heart[1]) / squeeze[1], x - heart[0])
    first, second, shadow = pigments
    petals = []
    for angle, spread, size in ((-1.75, 0.88, 1.0), (-0.25, 0.74, 0.90), (3.05, 0.72, 0.94), (1.35, 0.95, 0.98)):
        angle += rng.normal(0, 0.10)
        outline = (petal(heart, angle, reach * size, spread, rng) - heart) * squeeze + heart
        petals.append((angle, sheet.shape(outline, 1.0)))
    sheet.lift(np.max([mask for _, mask in petals], 0), 0.93)  # masked while the background was painted
    for k, (angle, mask) in enumerate(petals):
        wet = 0.24 + 0.90 * step(away, 0.60, 0.45)
        sheet.wash(mask, first, 0.80, edge=0.9, fade=wet)
        # The second colour is dropped in while the first is wet: no edge of its own inside the petal.
        spot = heart + 0.62 * reach * np.array((np.cos(angle + 0.4), np.sin(angle + 0.4)))
        drop = np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (0.34 * reach) ** 2)
        sheet.wash(mask * drop.astype(np.float32), second, 0.85, edge=0.0)
        deep = np.exp(-((away / 0.42) ** 2)).astype(np.float32)
        sheet.wash(mask * deep, shadow, 0.55, edge=0.0)
        # Veins: a nearly dry brush from the heart outwards.
        veins = 2 * np.clip(np.sin(turn * 34 + 2.2 * np.sin(away * 4 + k) + 5 * sheet.wander[0]) - 0.55, 0, 1)
        veins = veins * step(away, 0.28, 0.12) * (1 - step(away, 0.86, 0.18))
        sheet.wash(mask * veins.astype(np.float32), shadow if k % 2 else first, 0.34, edge=0.1, grain=0.9)
    for _ in range(2):
        sheet.bloom((heart[0] + rng.normal(0, 0.45) * reach, heart[1] + rng.normal(0, 0.4) * reach), reach * rng.uniform(0.20, 0.32), 0.5)
    ring = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    disc = heart + np.stack([np.cos(ring), np.sin(ring)], -1) * squeeze * reach * (0.155 + 0.03 * np.sin(ring * 3))[:, None]
    sheet.wash(sheet.shape(disc, 1.0), PLUM, 1.0, edge=0.8)
    sheet.wash(sheet.shape(heart + (disc - heart) * 0.62, 0.8), INDIGO, 1.2, edge=0.7)
    for angle in rng.uniform(0, 2 * np.pi, 42):
        tip = heart + reach * rng.uniform(0.19, 0.36) * np.array((np.cos(angle), np.sin(angle))) * squeeze
        line = curve([heart + (tip - heart) * 0.4, heart + (tip - heart) * 0.75 + rng.normal(0, 1.5, 2), tip], 14)
        stroke(sheet, line, 1.6, INDIGO, 1.1)
        spot = tip + np.stack([np.cos(ring), np.sin(ring)], -1) * rng.uniform(1.6, 3.2)
        sheet.wash(sheet.shape(spot, 0.2, 0.4), INDIGO, 1.3, edge=0.5)


def stroke(sheet: Sheet, line: Array, width: float, pigment: Colour, strength: float, dry: float = 0.0) -> None:
    """Draw one stroke of a round brush (N×2 points); `dry` from 0 to 1 leaves the heights of the paper bare."""
    mask = np.zeros((sheet.size[0] * 2, sheet.size[1] * 2), np.uint8)
    ribbon(mask, line, np.maximum(0.7, width * taper(len(line), 0.7)), 255, 2)
    soft = shrink(mask, sheet.size) / 255
    if dry > 0:
        soft = soft * step(-sheet.tooth, -0.55 + 0.9 * dry, 0.25)
    sheet.wash(soft.astype(np.float32), pigment, strength, edge=0.5)


def leaf(sheet: Sheet, points: list[tuple[float, float]], width: float, pigments: tuple[Colour, Colour]) -> None:
    """A long blade in two greens, the second on its shadow side."""
    line = curve(points, 50)
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1) / np.linalg.norm(tangent, axis=1, keepdims=True)
    half = (width / 2 * taper(50, 0.8, 0.02, 0.99) * (1 + 0.12 * np.sin(np.arange(50) / 3)))[:, None]
    sheet.wash(sheet.shape(np.concatenate([line + normal * half, (line - normal * half)[::-1]])[::3], 0.5), pigments[0], 0.85)
    sheet.wash(sheet.shape(np.concatenate([line, (line - normal * half)[::-1]])[::3], 0.5), pigments[1], 0.6, edge=0.5)


def background(sheet: Sheet) -> None:
    """Wet-in-wet: pale washes that leave the middle white, run into one another, and dried with rims and blooms."""
    rng, unit = sheet.rng, float(sheet.size[0])
    for cx, cy, rx, ry, pigment, strength in (
        (0.15, 0.22, 0.36, 0.34, SKY, 0.75),
        (1.12, 0.16, 0.42, 0.26, AQUA, 0.62),
        (0.62, 0.10, 0.34, 0.20, LILAC, 0.62),
        (1.25, 0.62, 0.26, 0.40, SKY, 0.62),
        (0.10, 0.80, 0.34, 0.30, MOSS, 0.70),
        (0.72, 0.94, 0.60, 0.20, AQUA, 0.62),
        (1.10, 0.95, 0.40, 0.18, MOSS, 0.70),
        (0.40, 0.62, 0.26, 0.22, PEACH, 0.60),
        (0.95, 0.40, 0.20, 0.18, LEMON, 0.42),
    ):
        ring = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        outline = np.stack([cx + rx * np.cos(ring), cy + ry * np.sin(ring)], -1) * unit * (1 + rng.normal(0, 0.10, (16, 1)))
        crisp, soft = sheet.shape(outline, 2.6), sheet.shape(outline, 2.6, 24)
        dried = step(sheet.piece(sheet.flow[0]), 0.55, 0.12)  # some edges dried, some ran out
        sheet.wash((crisp * dried + soft * (1 - dried)).astype(np.float32), pigment, strength, edge=0.9, grain=0.5)
    blooms = ((0.12, 0.30, 0.10), (0.30, 0.13, 0.065), (1.10, 0.12, 0.085), (0.78, 0.92, 0.08), (0.10, 0.78, 0.075), (1.22, 0.58, 0.07))
    for bx, by, radius in blooms:
        sheet.bloom((bx * unit, by * unit), radius * unit, 0.6)


def spatter(sheet: Sheet) -> None:
    """Drops from a loaded brush, and a few of clean water."""
    rng, (height, width) = sheet.rng, sheet.size
    ring = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.stack([np.cos(ring), np.sin(ring)], -1)
    for pigment, count, middle in ((SCARLET, 34, (0.50, 0.55)), (SAP, 22, (0.45, 0.85)), (CORAL, 14, (0.6, 0.4))):
        mask = np.zeros(sheet.size, np.float32)
        for spot in rng.normal(middle, (0.22, 0.20), (count, 2)) * (width, height):
            drop = spot + circle * (0.6 + 4.2 * rng.random() ** 3.2) * rng.uniform(0.85, 1.15, (12, 1))
            cv2.fillPoly(mask, [fixed(drop, 1)], (1.0,), cv2.LINE_AA, SHIFT)
        sheet.wash(np.clip(mask, 0, 1), pigment, 0.9, edge=0.9)


def paint(seed: int = 0, size: tuple[int, int] = SIZE) -> Array:
    """Paint the picture; returns H×W×3 uint8, sRGB."""
    rng = np.random.default_rng(seed)
    sheet = Sheet(rng, size)
    unit = float(size[0])

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(px * unit, py * unit) for px, py in points]

    background(sheet)
    for points, width in (
        (((0.43, 0.50), (0.47, 0.72), (0.44, 0.90), (0.46, 1.05)), 9),
        (((0.93, 0.40), (0.86, 0.62), (0.74, 0.84), (0.68, 1.05)), 8),
        (((0.76, 0.74), (0.70, 0.90), (0.66, 1.05)), 7),
        (((1.16, 0.30), (1.18, 0.55), (1.08, 0.80), (1.00, 1.05)), 5.5),
        (((0.66, 0.17), (0.70, 0.36), (0.66, 0.60), (0.60, 1.05)), 5),
        (((0.20, 0.42), (0.22, 0.66), (0.30, 0.88), (0.34, 1.05)), 5.5),
    ):
        stroke(sheet, curve(at(*points), 60), width, SAP, 0.8)
        stroke(sheet, curve(at(*points), 60) + 1.4, width * 0.45, OLIVE, 0.6, 0.35)
    for points, width in (
        (((0.46, 1.02), (0.32, 0.84), (0.16, 0.76), (0.02, 0.78)), 40),
        (((0.68, 1.03), (0.84, 0.88), (1.00, 0.84), (1.18, 0.90)), 44),
        (((0.62, 1.03), (0.54, 0.86), (0.52, 0.76), (0.56, 0.64)), 26),
        (((1.00, 1.03), (1.12, 0.90), (1.20, 0.76), (1.30, 0.72)), 30),
        (((0.34, 1.03), (0.22, 0.96), (0.12, 0.95), (0.02, 1.00)), 30),
    ):
        leaf(sheet, at(*points), width, (MOSS, SAP) if width < 30 else (SAP, OLIVE))
    # Buds.
    for bx, by, tall in ((0.66, 0.155, 0.050), (1.165, 0.275, 0.056), (0.20, 0.395, 0.046)):
        ring = np.linspace(0, 2 * np.pi, 18, endpoint=False)
        oval = np.stack([0.58 * np.cos(ring), np.sin(ring)], -1) * tall * unit
        outline = np.array((bx, by)) * unit + oval
        mask = sheet.shape(outline, 0.7)
        sheet.lift(mask, 0.9)
        sheet.wash(mask, SAP, 1.0)
        sheet.wash(mask * sheet.shape(outline + np.array((tall * unit * 0.25, 0)), 0.7), OLIVE, 0.8)
        sheet.wash(sheet.shape(np.array((bx, by - tall * 0.5)) * unit + 0.55 * oval, 0.7), SCARLET, 0.9)
    flower(sheet, (0.40 * unit, 0.37 * unit), 0.285 * unit, 0.5, (SCARLET, ROSE, CARMINE))
    flower(sheet, (0.97 * unit, 0.30 * unit), 0.215 * unit, 0.8, (CORAL, SCARLET, ROSE))
    flower(sheet, (0.79 * unit, 0.68 * unit), 0.195 * unit, 0.3, (ROSE, PEACH, PLUM))
    spatter(sheet)
    return finish(sheet)


def finish(sheet: Sheet) -> Array:
    """Look at the dry sheet: light goes through the washes, and falls on the paper from the upper left."""
    picture = WHITE * np.exp(-sheet.density * 0.95)
    down, right = np.gradient(cv2.GaussianBlur(sheet.tooth + 0.4 * sheet.fine, (0, 0), 0.7))
    return np.clip(picture * (1 - np.clip((right * 0.75 + down) * 0.050, -0.05, 0.05))[..., None], 0, 255).astype(np.uint8)
