"""Evening over the bay, the demo's default painting: thick, swirling paint; some forty thousand brush strokes, 1024×768 pixels.

It is made to be a good style: structure at several scales (sweeps of 150 to 300 pixels in sky and fields, strokes of 40, bristles of
3 to 6), a small palette with strong light–dark and warm–cool contrast, relief lit from the upper left, and canvas grain. How it works:
every region of the picture (sky, sun, mountains, sea, hills, houses, cypress, field) has a colour and a direction for each pixel. Strokes
are laid from large to small; each follows the direction, takes its colour from where it starts, and is drawn as a bundle of bristles that
also leave a height. The same seed gives the same painting.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .craft import Array, clouds, colour_of, gradient

WIDTH, HEIGHT = 1024, 768

# The palette, sRGB 0..255.
INK = (16, 20, 48)
ULTRAMARINE = (24, 38, 112)
COBALT = (36, 82, 168)
CERULEAN = (70, 142, 200)
TURQUOISE = (120, 190, 196)
PALE = (222, 232, 214)
CREAM = (252, 240, 196)
LEMON = (252, 222, 104)
GOLD = (238, 178, 44)
OCHRE = (198, 128, 36)
SIENNA = (140, 72, 32)
VERMILION = (218, 70, 34)
CRIMSON = (142, 28, 40)
ROSE = (226, 146, 128)
VIOLET = (84, 62, 128)
OLIVE = (104, 116, 40)
GREEN = (44, 88, 56)
PINE = (14, 40, 44)

SKY, SUN, MOUNTAINS, SEA, HILLS, FIELD, HOUSES, CYPRESS = range(8)


@dataclass
class Motif:
    """What is to be painted, per pixel: colour (H×W×3, sRGB 0..255), direction of strokes (radians), and region (H×W)."""

    colour: Array
    angle: Array
    region: Array


@dataclass
class Layer:
    """One pass over the canvas with one kind of brush; sizes in pixels of the painting."""

    spacing: float
    length: tuple[float, float]
    width: tuple[float, float]
    colour_jitter: float
    regions: tuple[int, ...]
    chance: float = 1.0
    keep_inside: bool = True


def design(rng: np.random.Generator) -> Motif:
    """Lay out the picture."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    angle = np.zeros((HEIGHT, WIDTH), np.float32)
    region = np.full((HEIGHT, WIDTH), SKY, np.int32)
    broad, middle, fine = (clouds(rng, (HEIGHT, WIDTH), cells) for cells in (5, 12, 40))

    def put(mask: Array, name: int, paint: Array, direction: Array) -> None:
        colour[mask], angle[mask], region[mask] = paint[mask], np.broadcast_to(direction, mask.shape)[mask], name

    # Sky: a stream that winds around a few eddies. Its stream function gives both the direction and the bands of colour.
    sun = (742.0, 236.0)
    stream = 1.05 * y + 46 * np.sin(x / 128 + 0.6) + 26 * np.sin(x / 61 - y / 90)
    for cx, cy, radius, strength in (
        (336, 158, 84, 300),
        (560, 70, 56, -170),
        (936, 92, 70, 215),
        (520, 286, 50, 135),
        (66, 250, 60, -150),
    ):
        stream += strength * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * radius**2))
    near_sun = np.hypot(x - sun[0], y - sun[1])
    round_sun = np.exp(-((near_sun / 165) ** 2))
    stream = stream * (1 - round_sun) + near_sun * 1.5 * round_sun
    down, right = np.gradient(cv2.GaussianBlur(stream, (0, 0), 3))
    flow = np.arctan2(-right, down)
    bands = 0.5 + 0.5 * np.sin(stream / 17.5 + 1.6 * middle)
    depth = np.clip(y / 400, 0, 1)
    night = gradient(
        bands * 0.72 + 0.34 * fine - 0.08, [(0, INK), (0.22, ULTRAMARINE), (0.48, COBALT), (0.70, CERULEAN), (0.88, TURQUOISE), (1, PALE)]
    )
    dusk = gradient(bands * 0.70 + 0.30 * fine, [(0, VIOLET), (0.28, COBALT), (0.5, TURQUOISE), (0.68, ROSE), (0.84, GOLD), (1, CREAM)])
    warm = np.clip(depth**2.4 * 0.85 + 0.75 * np.exp(-((near_sun / 190) ** 2)), 0, 1)[..., None]
    put(np.ones_like(region, bool), SKY, night * (1 - warm) + dusk * warm, flow)
    halo = gradient(
        near_sun + 16 * (fine - 0.5) + 9 * np.sin(near_sun / 7.5),
        [(34, CREAM), (54, LEMON), (78, GOLD), (98, VERMILION), (116, GOLD), (136, ROSE), (160, CERULEAN)],
    )
    put(near_sun < 118 + 30 * (fine - 0.5) + 14 * (middle - 0.5), SUN, halo, np.arctan2(x - sun[0], -(y - sun[1])))
    put(near_sun < 42, SUN, gradient(near_sun + 20 * fine, [(12, CREAM), (40, LEMON), (60, GOLD)]), np.arctan2(x - sun[0], -(y - sun[1])))

    # Mountains in three ridges, lighter towards the back.
    slope = np.arctan2(np.gradient(broad, axis=1) * 120, 1.0)
    for k, (level, height, stops) in enumerate(
        (
            (372, 62, [(0, VIOLET), (0.5, COBALT), (0.8, ROSE), (1, CREAM)]),
            (404, 44, [(0, INK), (0.45, ULTRAMARINE), (0.75, VIOLET), (1, ROSE)]),
        )
    ):
        ridge = (
            level
            - height * (0.5 + 0.5 * np.sin(x / (88 - 19 * k) + 1.7 * k) * np.sin(x / (211 + 40 * k) + 0.9 + k))
            - 15 * np.sin(x / 27 + k)
        )
        put(y > ridge, MOUNTAINS, gradient(fine * 0.6 + 0.7 * np.exp(-(y - ridge) / 15), stops), slope + 0.55 * np.sin(x / 37 + k))

    # The sea on the right, with the sun's path on it.
    waves = 0.5 + 0.5 * np.sin(y / 5.6 + 2.4 * np.sin(x / 74 + y / 23) + 3.0 * middle)
    water = gradient(waves * 0.75 + 0.35 * fine - 0.06, [(0, INK), (0.3, ULTRAMARINE), (0.6, COBALT), (0.82, TURQUOISE), (1, PALE)])
    path = np.exp(-(((x - sun[0]) / (34 + 0.42 * (y - 420))) ** 2)) * (0.35 + 0.65 * waves)
    gold = gradient(waves, [(0, SIENNA), (0.35, VERMILION), (0.6, GOLD), (0.85, LEMON), (1, CREAM)])
    path = np.clip(path * 1.25, 0, 1)[..., None]
    put((y > 424) & (x > 250), SEA, water * (1 - path) + gold * path, 0.16 * np.cos(x / 74 + y / 23) + 0.06 * np.sin(y / 9))

    # Hills on the left, rounded, with rows that follow their shape.
    for k, (cx, top, spread, stops) in enumerate(
        (
            (90, 392, 330, [(0, PINE), (0.4, GREEN), (0.7, OLIVE), (1, GOLD)]),
            (330, 446, 240, [(0, PINE), (0.3, GREEN), (0.6, OLIVE), (0.85, GOLD), (1, CREAM)]),
            (70, 498, 300, [(0, INK), (0.35, PINE), (0.65, GREEN), (0.9, OLIVE), (1, GOLD)]),
        )
    ):
        crest = top + ((x - cx) / spread) ** 2 * 150 + 7 * np.sin(x / 31 + k)
        rows = 0.5 + 0.5 * np.sin((y - crest) / (6.5 + k) + 1.8 * middle + np.sin(x / 50))
        lit = np.clip(0.85 * np.exp(-(y - crest) / 26) + 0.5 * rows + 0.25 * fine - 0.12, 0, 1)
        direction = np.arctan2(2 * (x - cx) / spread**2 * 150, 1.0) + 0.25 * np.sin(y / 17)
        put((y > crest) & (crest < 640), HILLS, gradient(lit, stops), direction)

    # Foreground: a field of wheat and poppies whose furrows run together far away.
    edge = 566 + 44 * np.sin(x / 190 + 2.4) + 26 * np.cos(x / 83)
    far = (430.0, 395.0)
    fan = np.arctan2(x - far[0], y - far[1])
    furrows = 0.5 + 0.5 * np.sin(fan * 44 + 2.2 * middle + 0.4 * np.sin(y / 24))
    straw = gradient(
        furrows * 0.66 + 0.42 * fine - 0.04,
        [(0, INK), (0.14, CRIMSON), (0.30, SIENNA), (0.5, OCHRE), (0.72, GOLD), (0.88, LEMON), (1, CREAM)],
    )
    grass = gradient(furrows * 0.66 + 0.42 * fine - 0.04, [(0, INK), (0.25, PINE), (0.5, GREEN), (0.72, OLIVE), (0.9, GOLD), (1, LEMON)])
    patch = (0.5 + 0.5 * np.tanh((np.sin(fan * 5.2 + 1.1) + 0.8 * (broad - 0.5)) * 3.0))[..., None]
    ground = straw * patch + grass * (1 - patch)
    put(y > edge, FIELD, ground, np.pi / 2 - fan + 0.5 * np.sin(x / 61 + y / 47) + 0.5 * (middle - 0.5))

    # The village under the hill.
    for cx, base, w, h, wall, roof in (
        (402, 548, 70, 40, PALE, VERMILION),
        (478, 536, 54, 36, CREAM, CRIMSON),
        (336, 534, 58, 34, ROSE, VERMILION),
        (270, 556, 62, 40, PALE, COBALT),
        (440, 566, 64, 38, LEMON, VERMILION),
        (538, 560, 60, 36, CREAM, VERMILION),
    ):
        body = (abs(x - cx) < w / 2) & (y < base) & (y > base - h)
        gable = (abs(x - cx) < (w / 2 + 7) * np.clip((y - (base - h * 1.85)) / (h * 0.9), 0, 1)) & (y <= base - h * 0.92)
        shade = np.clip((x - cx) / w + 0.5 + 0.3 * (fine - 0.5), 0, 1)
        put(body, HOUSES, gradient(shade, [(0.25, VIOLET), (0.45, wall), (1, wall)]), np.full_like(x, np.pi / 2) + 0.1 * (fine - 0.5))
        put(gable, HOUSES, gradient(shade, [(0.2, INK), (0.42, roof), (0.85, roof), (1, GOLD)]), np.arctan2(np.sign(x - cx), 0.8))
        window = (abs(abs(x - cx) - w * 0.22) < 5) & (abs(y - base + h * 0.5) < 7)
        put(window, HOUSES, gradient(fine, [(0, INK), (1, ULTRAMARINE)]), np.full_like(x, np.pi / 2))
    steeple = ((abs(x - 374) < 12) & (y > 452) & (y < 520)) | ((abs(x - 374) < 18 * np.clip((y - 378) / 74, 0, 1)) & (y <= 454) & (y > 378))
    put(
        steeple,
        HOUSES,
        gradient(np.clip((x - 358) / 30, 0, 1) + (y > 454) * 0.35, [(0, INK), (0.5, COBALT), (0.8, PALE), (1, CREAM)]),
        np.full_like(x, np.pi / 2),
    )

    # Two cypresses like flames.
    for cx, top, bottom, girth, phase in ((128, 88, 742, 62, 0.0), (204, 300, 700, 36, 1.8)):
        t = np.clip((y - top) / (bottom - top), 0, 1)
        axis = cx + 15 * np.sin(y / 64 + phase) * (1 - 0.4 * t)
        reach = (
            girth
            * np.sin(np.pi * np.clip(0.04 + 0.93 * t, 0, 1) ** 1.25) ** 0.85
            * (1 + 0.20 * np.sin(y / 15 + phase) + 0.12 * np.sin(y / 7 + 2 + phase))
        )
        across = (x - axis) / np.maximum(reach, 1)
        flame = 0.5 + 0.5 * np.sin(across * 7 + y / 21 + 2.2 * middle)
        leaf = gradient(flame * 0.7 + 0.35 * fine + 0.22 * across, [(0, INK), (0.4, PINE), (0.68, GREEN), (0.88, OLIVE), (1.05, GOLD)])
        put(
            (abs(across) < 1) & (y > top) & (y < bottom),
            CYPRESS,
            leaf,
            np.pi / 2 + 0.55 * np.sin(y / 33 + across * 2.4 + phase) - 0.35 * across,
        )

    return Motif(cv2.GaussianBlur(colour, (0, 0), 0.8), angle, region)


class Canvas:
    """Paint and its height, at twice the painting's size so that bristles have soft edges."""

    SCALE = 2
    SHIFT = 4  # fractional bits of OpenCV's coordinates

    def __init__(self, ground: tuple[int, int, int]) -> None:
        size = (HEIGHT * self.SCALE, WIDTH * self.SCALE)
        self.paint = np.empty((*size, 3), np.uint8)
        self.paint[:] = ground
        self.height = np.full(size, 60, np.uint8)

    def bristle(self, points: Array, colour: Array, height: float, width: float) -> None:
        """Draw one bristle along points (N×2, pixels of the painting)."""
        fixed = np.round(points * self.SCALE * 2**self.SHIFT).astype(np.int32)
        thickness = max(1, round(width * self.SCALE))
        tone = colour_of(colour)
        cv2.polylines(self.paint, [fixed], False, tone, thickness, cv2.LINE_AA, self.SHIFT)
        cv2.polylines(self.height, [fixed], False, (int(np.clip(height, 0, 255)),), thickness, cv2.LINE_AA, self.SHIFT)


def trace(motif: Motif, start: Array, length: float, step: float, keep_inside: bool) -> Array:
    """Follow the direction from a point, half the length each way; stop at the region's edge if asked. Returns N×2 points."""
    ahead: list[Array] = []
    behind: list[Array] = []
    name = motif.region[int(start[1]), int(start[0])]
    for sign, line in ((1, ahead), (-1, behind)):
        point, heading = start.copy(), None
        for _ in range(max(1, int(length / 2 / step))):
            column, row = int(np.clip(point[0], 0, WIDTH - 1)), int(np.clip(point[1], 0, HEIGHT - 1))
            if keep_inside and motif.region[row, column] != name:
                break
            angle = motif.angle[row, column]
            vector = np.array((np.cos(angle), np.sin(angle)))
            vector *= sign if heading is None else np.sign(vector @ heading) or 1.0
            heading = vector
            point = point + vector * step
            line.append(point)
    return np.array([*behind[::-1], start, *ahead])


def paint_stroke(canvas: Canvas, rng: np.random.Generator, line: Array, width: float, colour: Array, second: Array) -> None:
    """Lay one stroke: bristles side by side, from the first colour on one edge of the brush to the second on the other."""
    if len(line) < 2:
        return
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], -1) / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    # The brush lands and lifts: narrower at the ends.
    shape = np.sin(np.pi * np.linspace(0.12, 0.93, len(line))) ** 0.45
    count = max(3, round(width / 1.9))
    press = rng.normal(0, 7)
    for k in rng.permutation(count):
        across = (k + 0.5) / count * 2 - 1
        first = int(rng.integers(0, max(1, len(line) // 5), endpoint=True))
        last = len(line) - int(rng.integers(0, max(1, len(line) // 4), endpoint=True))
        if last - first < 2:
            first, last = 0, len(line)
        offset = across * width / 2 * shape[first:last, None] + rng.normal(0, 0.25)
        share = 0.5 + 0.5 * across * 0.9
        tone = (colour * (1 - share) + second * share) * (1 + rng.normal(0, 0.085)) + press
        ridge = 120 + 78 * abs(across) ** 2 + rng.normal(0, 38)  # paint is pushed to the edges
        canvas.bristle(line[first:last] + normal[first:last] * offset, tone, ridge, width / count * 1.25 + 0.5)


def paint_layer(canvas: Canvas, motif: Motif, rng: np.random.Generator, layer: Layer) -> int:
    """Cover the chosen regions with strokes; return how many."""
    columns, rows = np.meshgrid(np.arange(0, WIDTH, layer.spacing), np.arange(0, HEIGHT, layer.spacing))
    starts = np.stack([columns.ravel(), rows.ravel()], -1) + rng.uniform(0, layer.spacing, (columns.size, 2))
    starts = starts[(starts[:, 0] < WIDTH) & (starts[:, 1] < HEIGHT)]
    laid = 0
    for start in rng.permutation(starts):
        here = int(start[1]), int(start[0])
        if motif.region[here] not in layer.regions or rng.random() > layer.chance:
            continue
        line = trace(motif, start, rng.uniform(*layer.length), 4.0 if layer.length[1] < 60 else 7.0, layer.keep_inside)
        if len(line) * 4 < layer.length[0] * 0.3:
            continue
        width = rng.uniform(*layer.width)
        colour = motif.colour[here]
        aside = np.clip(start + rng.normal(0, width * 0.8, 2), 0, (WIDTH - 1, HEIGHT - 1)).astype(int)
        second = motif.colour[aside[1], aside[0]]
        # Broken colour: lighter or darker as a whole, warmer or cooler, the more the larger the jitter.
        light, warmth = rng.normal(0, layer.colour_jitter), rng.normal(0, layer.colour_jitter * 0.6)
        shift = np.array((light + warmth, light, light - warmth))
        paint_stroke(canvas, rng, line, width, colour + shift, second + shift * 0.6)
        laid += 1
    return laid


def poppies(canvas: Canvas, motif: Motif, rng: np.random.Generator) -> None:
    """Vermilion dabs in the field, larger towards the viewer."""
    for _ in range(330):
        x, y = rng.uniform(0, WIDTH), 590 + 178 * rng.random() ** 0.8
        if y >= HEIGHT or motif.region[int(y), int(x)] != FIELD or np.sin(x / 71 + y / 60) < -0.15:
            continue
        size = 2.5 + 6 * (y - 590) / 178
        line = np.array((x, y)) + np.linspace(-0.7, 0.7, 4)[:, None] * size * np.array((1.0, rng.uniform(-0.5, 0.5)))
        paint_stroke(
            canvas, rng, line, size, np.array(VERMILION) + rng.normal(0, 12), np.array(CRIMSON if rng.random() < 0.4 else ROSE, float)
        )


def finish(canvas: Canvas, rng: np.random.Generator) -> Array:
    """Light the relief from the upper left, add the weave of the canvas, and return sRGB uint8."""
    size = (WIDTH, HEIGHT)
    paint = cv2.resize(canvas.paint, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    height = cv2.resize(canvas.height, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    weave = (np.sin(x * 1.9) * np.sin(y * 0.95) + np.sin(x * 0.95 + 1) * np.sin(y * 1.9)) * 0.5
    height = cv2.GaussianBlur(height, (0, 0), 0.6) + 0.020 * weave + 0.012 * rng.standard_normal(height.shape).astype(np.float32)
    down, right = np.gradient(height)
    light = np.clip(-(right * 0.75 + down) * 1.7, -0.42, 0.50)
    lit = paint * (1 + np.where(light < 0, light, light * 0.55))[..., None] + np.maximum(light, 0)[..., None] * 46
    return np.clip(lit, 0, 255).astype(np.uint8)


def paint(seed: int = 0) -> Array:
    """Paint the picture; returns H×W×3 uint8, sRGB."""
    rng = np.random.default_rng(seed)
    motif = design(rng)
    canvas = Canvas(SIENNA)
    everything = tuple(range(8))
    open_ground = (SKY, MOUNTAINS, SEA, HILLS, FIELD)
    layers = (
        Layer(17, (150, 300), (22, 34), 9, everything, keep_inside=False),
        Layer(12, (110, 230), (13, 20), 13, open_ground),
        Layer(8.5, (46, 96), (8, 12), 15, (*open_ground, SUN, CYPRESS)),
        Layer(6.5, (26, 52), (5, 8), 16, (*open_ground, SUN, CYPRESS), 0.75),
        Layer(5, (14, 26), (4, 6), 12, (HOUSES, SUN)),
        Layer(7.5, (16, 34), (3, 4.5), 26, everything, 0.42),
    )
    for layer in layers:
        paint_layer(canvas, motif, rng, layer)
    poppies(canvas, motif, rng)
    return finish(canvas, rng)
