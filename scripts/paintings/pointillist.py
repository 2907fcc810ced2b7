"""Regatta: a pointillist harbour on a bright afternoon; some twenty-nine thousand dabs of unmixed pigment.

Each dab takes one pigment of a small set, drawn by its nearness to the colour that is to appear there, so that the colour mixes in the eye:
orange beside blue, pink beside green. Dabs of 5 to 13 pixels lie in rows that follow sky, water and branches; warm and cool patches of 30
to 60 pixels ripple through zones of light of 100 to 300. Light in tone, high in colour, no line anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .craft import SHIFT, Array, clouds, colour_of, fixed, gradient, grid, light, mix, shrink, step

SIZE = (576, 768)
SCALE = 2

# Pigments, sRGB 0..255.
PIGMENTS = np.array(
    [
        (255, 246, 226),  # white
        (255, 232, 150),  # naples yellow
        (255, 208, 66),  # cadmium yellow
        (250, 158, 60),  # orange
        (240, 104, 66),  # vermilion
        (250, 184, 168),  # pink
        (226, 108, 138),  # rose
        (186, 62, 112),  # crimson lake
        (190, 160, 218),  # lilac
        (118, 92, 176),  # violet
        (62, 58, 140),  # ultramarine violet
        (58, 104, 192),  # cobalt
        (118, 176, 230),  # cerulean
        (178, 224, 226),  # pale turquoise
        (76, 186, 172),  # viridian light
        (24, 120, 110),  # viridian
        (150, 204, 110),  # light green
        (196, 218, 84),  # yellow green
        (62, 142, 70),  # green
        (22, 78, 78),  # deep green
    ],
    np.float32,
)
WHITE, NAPLES, YELLOW, ORANGE, VERMILION, PINK, ROSE, CRIMSON, LILAC, VIOLET, NIGHT, COBALT, CERULEAN, TURQUOISE = (
    colour_of(PIGMENTS[k]) for k in range(14)
)
SEA_GREEN, VIRIDIAN, LIGHT_GREEN, YELLOW_GREEN, GREEN, DEEP = (colour_of(PIGMENTS[k]) for k in range(14, 20))


@dataclass
class Motif:
    """What is to appear: colour (H×W×3, sRGB 0..255), direction of the dabs (H×W, radians), how much they keep to it (H×W, 0..1)."""

    colour: Array
    angle: Array
    order: Array


def design(rng: np.random.Generator, size: tuple[int, int]) -> Motif:
    """Lay out the picture in units of its height."""
    y, x = (axis / size[0] for axis in grid(size))
    width = size[1] / size[0]
    broad, middle, fine = clouds(rng, size, 4, 2), clouds(rng, size, 16, 2), clouds(rng, size, 44, 2)
    colour = np.zeros((*size, 3), np.float32)
    angle, order = np.zeros(size, np.float32), np.full(size, 0.8, np.float32)

    def put(mask: Array, paint: Array, direction: Array | float, keep: float = 0.8) -> None:
        share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
        colour[:] = mix(colour, paint, share)
        hard = share > 0.5
        angle[hard] = np.broadcast_to(direction, size)[hard]
        order[hard] = keep

    # Sky: rings of light around a sun that stands outside the picture, with rows of small clouds.
    far = np.hypot(x - 1.12 * width, y + 0.10)
    rings = 0.5 + 0.5 * np.sin(far * 21 + 2.2 * (broad - 0.5))
    zones = [(0.25, WHITE), (0.5, NAPLES), (0.72, PINK), (0.95, LILAC), (1.2, CERULEAN), (1.6, COBALT)]
    glow = gradient(far + 0.10 * (rings - 0.5) + 0.10 * (middle - 0.5), zones)
    horizon = 0.46
    glow = mix(glow, gradient(middle, [(0, PINK), (0.6, NAPLES), (1, WHITE)]), np.clip(1 - (horizon - y) / 0.20, 0, 1) * 0.75)
    rows = 0.5 * np.sin(x * 6.5 + 1.5 + 3 * broad) + 0.5 * np.sin(y * 26 + x * 3 + 2 * middle) + 0.5 * (fine - 0.5)
    bank = step(rows, 0.42, 0.18) * (y < 0.36)
    glow = mix(glow, gradient(fine, [(0, PINK), (0.5, NAPLES), (1, WHITE)]), bank * 0.85)
    put(np.ones(size, bool), glow, np.arctan2(x - 1.12 * width, -(y + 0.10)), 0.92)

    # Far shore: two blue ridges and a strip of town.
    for level, high, haze_stops in (
        (0.415, 0.085, [(0, LILAC), (0.5, CERULEAN), (1, PINK)]),
        (0.445, 0.055, [(0, VIOLET), (0.5, COBALT), (1, LILAC)]),
    ):
        ridge = level - high * np.exp(-(((x - 0.35 - 4 * (level - 0.415) * 3) / 0.34) ** 2)) - 0.018 * np.sin(x * 11 + level * 90)
        haze = gradient(0.7 * fine + 0.5 * np.exp(-(y - ridge) / 0.03) - 0.1, haze_stops)
        put((y > ridge) & (y < horizon + 0.01), haze, 0.4 * np.sin(x * 9), 0.6)
    for k in range(15):
        left, wide, tall = 0.36 + 0.044 * k, 0.030 + 0.016 * rng.random(), 0.020 + 0.034 * rng.random()
        wall = (x > left) & (x < left + wide) & (y < horizon) & (y > horizon - tall)
        lit = np.clip((x - left) / wide, 0, 1) + 0.3 * (fine - 0.5)
        put(wall, gradient(lit, [(0, LILAC), (0.4, PINK), (0.7, NAPLES), (1, WHITE)]), np.pi / 2)
        roof = (x > left - 0.004) & (x < left + wide + 0.004) & (abs(y - horizon + tall) < 0.010)
        put(roof, gradient(fine, [(0, CRIMSON), (0.5, VERMILION), (1, ORANGE)]), 0.0)

    # Water: the sky comes back in level bands; long ripples.
    deep = np.clip((y - horizon) / (1 - horizon), 0, 1)
    ripple = 0.5 + 0.5 * np.sin(210 * np.sqrt(deep + 0.02) * (1 - 0.35 * deep) + 3.0 * middle + 1.4 * np.sin(x * 8))
    swell = 0.5 + 0.5 * np.sin(34 * np.sqrt(deep + 0.02) + 2.6 * broad + 0.8 * np.sin(x * 5))
    water = gradient(
        0.42 * ripple + 0.42 * swell + 0.30 * fine - 0.08 + 0.18 * (1 - far / 1.5),
        [(0, NIGHT), (0.16, COBALT), (0.36, SEA_GREEN), (0.52, CERULEAN), (0.70, TURQUOISE), (0.86, PINK), (1.0, WHITE)],
    )
    track = np.exp(-(((x - 1.02 + 0.12 * deep) / (0.08 + 0.14 * deep)) ** 2)) * (0.35 + 0.65 * ripple)
    water = mix(water, gradient(ripple, [(0, VERMILION), (0.35, ORANGE), (0.65, YELLOW), (1, WHITE)]), np.clip(track, 0, 1) * 0.9)
    put(y > horizon, water, 0.10 * np.sin(x * 8 + y * 30), 0.95)

    # Boats and their broken mirror images.
    for bx, foot, tall, stops in (
        (0.60, 0.520, 0.20, [(0, LILAC), (0.5, PINK), (1, WHITE)]),
        (0.80, 0.505, 0.14, [(0, VIOLET), (0.5, ROSE), (1, PINK)]),
        (0.965, 0.60, 0.40, [(0, CRIMSON), (0.45, VERMILION), (0.8, ORANGE), (1, YELLOW)]),
        (0.485, 0.498, 0.10, [(0, LILAC), (1, NAPLES)]),
    ):
        for mirrored in (True, False):
            rise = (foot - y) / tall if not mirrored else (y - foot) / (tall * 0.8)
            shift = 0.012 * np.sin(y * 150) * mirrored
            across = (x - bx + shift) / tall
            belly = 0.34 * np.clip(np.sin(np.pi * np.clip(rise, 0, 1) ** 0.8), 0, 1) ** 0.7 * (1 - rise * 0.55)
            main = (across > 0.015) & (across < belly + 0.03) & (rise > 0.10) & (rise < 1)
            jib = (across < -0.02) & (across > -0.30 * (1 - rise / 0.86)) & (rise > 0.10) & (rise < 0.86)
            hull = (abs(across) < 0.36 - 0.9 * abs(rise - 0.075)) & (rise > -0.015) & (rise < 0.085)
            sail = gradient(np.clip(0.25 + across * 1.6 + 0.35 * rise + 0.5 * (fine - 0.5), 0, 1), stops)
            dark = gradient(fine + across, [(0, NIGHT), (0.5, VIOLET), (0.9, COBALT)])
            if mirrored:
                broken = ripple > 0.36
                put((main | jib) & broken & (y > horizon), sail * 0.94, 0.0, 0.95)
                put(hull & broken, dark, 0.0, 0.95)
            else:
                put(main | jib, sail, np.pi / 2 - 0.5 * across, 0.9)
                put(hull, dark, 0.0, 0.95)

    # The near bank: grass in sun and in the blue shade of the trees, with a path.
    bank_edge = 0.800 + 0.10 * np.cos(x * 2.2 + 0.3) + 0.012 * np.sin(x * 21)
    down = y - bank_edge
    shade = step(np.sin(x * 7.0 - y * 9 + 2.2 * broad) + 0.7 * (middle - 0.5) + 0.9 * (0.55 - x), 0.0, 0.16)
    sunny = gradient(0.7 * fine + 0.3 * middle, [(0, GREEN), (0.3, LIGHT_GREEN), (0.55, YELLOW_GREEN), (0.8, YELLOW), (1, ORANGE)])
    shady = gradient(0.7 * fine + 0.3 * middle, [(0, NIGHT), (0.3, DEEP), (0.55, VIRIDIAN), (0.8, COBALT), (1, VIOLET)])
    put(down > 0, mix(sunny, shady, shade), np.pi / 2 + 0.7 * np.sin(x * 17 + 3 * middle), 0.6)
    path = np.abs(y - 0.955 + 0.07 * np.sin(x * 2.6 + 0.4)) < 0.032 + 0.02 * np.sin(x * 3)
    walk = mix(gradient(fine, [(0, PINK), (0.5, NAPLES), (1, WHITE)]), gradient(fine, [(0, VIOLET), (0.6, LILAC), (1, ROSE)]), shade)
    put(path & (down > 0), walk, 0.2 * np.cos(x * 2.6), 0.85)

    # Trees on the left, round masses lit from the right.
    for tx, ty, reach, tall in ((0.10, 0.22, 0.20, 0.26), (0.28, 0.36, 0.135, 0.17), (-0.02, 0.50, 0.15, 0.15)):
        trunk = (abs(x - tx - 0.02 * np.sin(y * 9)) < 0.016 + 0.012 * step(y, 0.84, 0.06)) & (y > ty) & (y < bank_edge + 0.05)
        bark = gradient((x - tx) * 22 + 0.5 + 0.5 * (fine - 0.5), [(0, NIGHT), (0.45, VIOLET), (0.8, ROSE), (1, ORANGE)])
        put(trunk, bark, np.pi / 2, 0.9)
        turn = np.arctan2((y - ty) / tall, (x - tx) / reach)
        round_ = np.hypot((x - tx) / reach, (y - ty) / tall)
        crown = round_ < 0.90 + 0.10 * np.sin(turn * 7 + tx * 40) + 0.34 * (fine - 0.5)
        lobes = np.sin(x * 34 + 2.5 * middle) * np.sin(y * 30 + 2 * middle + tx * 9)
        lit = np.clip(0.48 + 0.34 * ((x - tx) / reach) - 0.24 * ((y - ty) / tall) + 0.22 * lobes + 0.45 * (fine - 0.5), 0, 1)
        greens = [(0, NIGHT), (0.18, DEEP), (0.36, VIRIDIAN), (0.52, GREEN), (0.66, LIGHT_GREEN), (0.80, YELLOW_GREEN), (0.92, YELLOW)]
        put(crown, gradient(lit, [*greens, (1, ORANGE)]), turn + np.pi / 2 + 0.6 * lobes, 0.7)
    return Motif(colour, angle, order)


def choose(rng: np.random.Generator, colours: Array, spread: float) -> Array:
    """Return a pigment (index) for each colour (N×3): the nearer the likelier, with `spread` the distance that still counts (sRGB units).

    One in nine dabs answers its neighbours with the complement instead; complements stay near in lightness, so that they glow, not spot.
    """
    target = colours.copy()
    answer = rng.random(len(target)) < 0.11
    grey = target.mean(1, keepdims=True)
    target[answer] = (grey - 0.75 * (target - grey))[answer] * 0.9 + 25
    weight = np.array((0.75, 1.0, 0.7), np.float32)
    distance = (((target[:, None] - PIGMENTS[None]) * weight) ** 2).sum(-1)
    score = -distance / (2 * spread**2) + rng.gumbel(0, 1, distance.shape)
    return score.argmax(1)


def lay(
    canvas: Array, height: Array, rng: np.random.Generator, motif: Motif, spacing: float, wide: tuple[float, float], spread: float
) -> None:
    """Cover the canvas with dabs about `spacing` pixels apart; the rows are jittered, the order is random."""
    rows, columns = motif.angle.shape
    cx, cy = np.meshgrid(np.arange(0, columns, spacing), np.arange(0, rows, spacing))
    spots = np.stack([cx.ravel(), cy.ravel()], -1) + rng.uniform(-0.55, 0.55, (cx.size, 2)) * spacing
    spots = rng.permutation(spots)
    at = np.clip(spots[:, ::-1].round().astype(int), 0, (rows - 1, columns - 1))
    colours = motif.colour[at[:, 0], at[:, 1]]
    chosen = choose(rng, colours, spread)
    paints = PIGMENTS[chosen] * 0.88 + colours * 0.12 + rng.normal(0, 6, (len(spots), 1))
    order = motif.order[at[:, 0], at[:, 1]]
    angles = motif.angle[at[:, 0], at[:, 1]] + rng.normal(0, 1, len(spots)) * (1.05 - order) * 1.4
    sizes = rng.uniform(*wide, len(spots))
    long = sizes * rng.uniform(1.15, 1.9, len(spots))
    turn = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    superellipse = np.stack([np.sign(np.cos(turn)) * abs(np.cos(turn)) ** 0.75, np.sign(np.sin(turn)) * abs(np.sin(turn)) ** 0.75], -1)
    for spot, paint, angle, a, b, rise in zip(spots, paints, angles, long, sizes, rng.uniform(120, 230, len(spots)), strict=True):
        cosine, sine = np.cos(angle), np.sin(angle)
        outline = superellipse * (a / 2, b / 2) * rng.uniform(0.86, 1.12, (10, 1)) @ np.array(((cosine, sine), (-sine, cosine))) + spot
        polygon = [fixed(outline, SCALE)]
        cv2.fillPoly(canvas, polygon, colour_of(paint), cv2.LINE_AA, SHIFT)
        cv2.fillPoly(height, polygon, (int(rise),), cv2.LINE_AA, SHIFT)


def paint(seed: int = 0, size: tuple[int, int] = SIZE) -> Array:
    """Paint the picture; returns H×W×3 uint8, sRGB."""
    rng = np.random.default_rng(seed)
    motif = design(rng, size)
    ground = cv2.resize(motif.colour * 0.75 + np.array(NAPLES, np.float32) * 0.25, (size[1] * SCALE, size[0] * SCALE))
    canvas, height = np.clip(ground, 0, 255).astype(np.uint8), np.full((size[0] * SCALE, size[1] * SCALE), 70, np.uint8)
    lay(canvas, height, rng, motif, 8.5, (9, 13), 30)
    lay(canvas, height, rng, motif, 6.3, (6, 8.5), 34)
    lay(canvas, height, rng, motif, 6.2, (4, 5.5), 40)
    picture = shrink(canvas, size)
    relief: Array = cv2.GaussianBlur(shrink(height, size) / 255, (0, 0), 0.6)
    weave = np.sin(grid(size)[1] * 1.6) * np.sin(grid(size)[0] * 1.6)
    relief += 0.02 * weave + 0.015 * rng.standard_normal(size)
    return np.clip(light(picture, relief.astype(np.float32), 0.75), 0, 255).astype(np.uint8)
