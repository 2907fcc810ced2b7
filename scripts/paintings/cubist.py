"""Guitar, bottle and newspaper: an analytic-cubist still life in ochre, grey and teal.

The table is seen through some forty facets of 60 to 180 pixels; each shows it a little turned, moved and enlarged, and fades from light at
one edge to dark at the other. Over that come thick broken contours of 3 to 6 pixels, dry strokes of a flat brush, 16 to 40 long with
bristles of 1 to 2, dotted passages, and the textures of such pictures: combed wood grain, lines of print, a chequered cloth.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .craft import Array, Colour, clouds, colour_of, curve, gradient, grid, light, mix, ribbon, shrink, step, taper

SIZE = (768, 624)
SCALE = 2

BLACK = (34, 30, 30)
UMBER = (76, 56, 42)
SIENNA = (134, 86, 50)
OCHRE = (188, 138, 74)
SAND = (220, 190, 138)
BONE = (238, 226, 198)
GREY = (140, 138, 130)
SLATE = (84, 92, 98)
TEAL = (44, 98, 104)
SEAGREY = (116, 150, 146)
BRICK = (160, 74, 50)

ANY, WOOD, PRINT, CLOTH, GLASS, STONE = range(6)


@dataclass
class Facet:
    """One plane: its outline (N×2 pixels), how it moves what is seen through it, and its shading."""

    outline: Array
    turn: float
    enlarge: float
    shift: Array
    slope: float  # direction in which it darkens, radians
    depth: float  # how much it darkens from edge to edge, 0..1
    tint: Colour
    share: float  # of the tint


def cut(rng: np.random.Generator, outline: Array, smallest: float) -> list[Array]:
    """Cut a convex outline by slanting lines until its pieces are about `smallest` pixels across."""
    size = np.sqrt(cv2.contourArea(outline.astype(np.float32)))
    if size < smallest * rng.uniform(0.8, 1.9):
        return [outline]
    middle = outline.mean(0) + rng.normal(0, 0.07, 2) * size
    # Most cuts follow a few directions, as in a scaffold: steep diagonals, their counter-diagonals, and near-verticals.
    spread = outline - outline.mean(0)
    across = np.linalg.eigh(spread.T @ spread)[1][:, 0]
    base = np.arctan2(across[1], across[0])
    choices = np.array((1.13, -1.05, 1.50, 0.52, -0.45, 0.04))
    nearest = choices[np.argsort(np.abs(np.sin(choices - base)))]
    angle = nearest[rng.choice(3, p=(0.55, 0.3, 0.15))] + rng.normal(0, 0.07)
    normal = np.array((-np.sin(angle), np.cos(angle)))
    side = (outline - middle) @ normal
    halves: tuple[list[Array], list[Array]] = ([], [])
    for k in range(len(outline)):
        a, b, p, q = side[k - 1], side[k], outline[k - 1], outline[k]
        if (a < 0) != (b < 0):
            crossing = p + (q - p) * a / (a - b)
            halves[0].append(crossing)
            halves[1].append(crossing)
        halves[int(b >= 0)].append(q)
    if min(len(half) for half in halves) < 3:
        return [outline]
    return [piece for half in halves for piece in cut(rng, np.array(half), smallest)]


def facets(rng: np.random.Generator, size: tuple[int, int]) -> list[Facet]:
    """Divide the canvas; planes near the middle are smaller and move more."""
    height, width = size
    whole = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    planes = []
    for piece in cut(rng, whole, 0.125 * height):
        middle = piece.mean(0)
        central = np.exp(-(((middle - (width * 0.5, height * 0.5)) / (width * 0.42, height * 0.42)) ** 2).sum())
        tints = (OCHRE, SAND, GREY, SEAGREY, SLATE, BONE, TEAL, SIENNA)
        chance = np.array((0.20, 0.18, 0.16, 0.14, 0.10, 0.10, 0.07, 0.05))
        planes.append(
            Facet(
                piece,
                rng.normal(0, 0.17) * (0.3 + central),
                float(np.exp(rng.normal(0.02, 0.10))),
                rng.normal(0, 0.028, 2) * height * (0.3 + central),
                rng.choice((0.5, 2.1, 3.6, 5.2)) + rng.normal(0, 0.2),
                rng.uniform(0.35, 0.8),
                tints[rng.choice(8, p=chance)],
                rng.uniform(0.10, 0.42) + 0.25 * (1 - central),
            )
        )
    return planes


def seen(rng: np.random.Generator, u: Array, v: Array) -> tuple[Array, Array, Array]:
    """Return what stands at (u, v), coordinates in units of the picture's height from its middle: colour, material, and parts (numbers).

    Parts are numbered so that a contour can be drawn where the number changes.
    """
    size = u.shape
    colour = np.zeros((*size, 3), np.float32)
    material, part = np.zeros(size, np.int32), np.zeros(size, np.int32)
    count = 0

    def put(mask: Array, value: Array, stops: list[tuple[float, Colour]], kind: int = ANY) -> None:
        nonlocal count
        count += 1
        value = np.broadcast_to(value, size)[mask]
        colour[mask], material[mask], part[mask] = gradient(value, stops), kind, count

    everywhere = np.ones(size, bool)
    put(everywhere, 0.5 + v + 0.3 * u, [(0, SLATE), (0.35, GREY), (0.7, SEAGREY), (1, SAND)])
    # Panelling behind, and the curtain's folds at the right.
    put((u < -0.19) & (v < 0.14), (u * 9) % 1, [(0, UMBER), (0.2, SIENNA), (0.8, OCHRE), (1, SAND)], WOOD)
    folds = (u * 8.5 - v * 1.3) % 1
    put((u > 0.235 + 0.04 * np.sin(v * 7)) & (v < 0.30), folds, [(0, BLACK), (0.25, TEAL), (0.6, SEAGREY), (0.9, BONE), (1, TEAL)])
    # The table: a round top, tipped up, with a cloth.
    table = np.hypot(u / 0.40, (v - 0.27) / 0.235)
    put(table < 1.05, u, [(-0.4, UMBER), (0.4, SIENNA)])
    put(table < 1.0, 0.5 + u, [(0, SIENNA), (0.5, OCHRE), (1, SAND)], WOOD)
    put((v > 0.16 - 0.25 * u) & (v < 0.42 - 0.5 * u) & (u > -0.30) & (u < 0.16), 0.5 + 2 * u, [(0, GREY), (0.6, BONE), (1, BONE)], CLOTH)
    # The newspaper under the guitar.
    a, b = u * 0.93 + v * 0.36, v * 0.93 - u * 0.36
    put((a > -0.04) & (a < 0.36) & (b > 0.02) & (b < 0.22), a, [(-0.1, SAND), (0.2, BONE), (0.4, SAND)], PRINT)
    # The bottle.
    x, y = u + 0.205, v - 0.02
    half = np.where(y < -0.17, 0.026, 0.026 + 0.052 * step(y, -0.13, 0.05))
    shine = [(-1, BLACK), (-0.55, TEAL), (0.1, SEAGREY), (0.35, BONE), (0.5, TEAL), (1, BLACK)]
    put((np.abs(x) < half) & (y > -0.33) & (y < 0.22), x / half, shine, GLASS)
    put((np.abs(x) < half + 0.006) & (y > -0.345) & (y < -0.315), x, [(-0.03, UMBER), (0.03, BRICK)])
    put((np.abs(x) < half * 0.96) & (y > -0.01) & (y < 0.11), x, [(-0.08, SAND), (0.08, BONE)], PRINT)
    # The guitar, leaning to the right: its belly, waist and shoulder, the hole, the bridge, the neck and strings.
    c, s = np.cos(0.50), np.sin(0.50)
    x, y = c * (u - 0.02) + s * (v - 0.02), -s * (u - 0.02) + c * (v - 0.02)
    body = np.where(y > 0.0, 0.150 * np.sqrt(np.clip(1 - ((y - 0.105) / 0.155) ** 2, 0, 1)), 0)
    body = np.maximum(body, 0.112 * np.sqrt(np.clip(1 - ((y + 0.085) / 0.120) ** 2, 0, 1)))
    body = np.maximum(body, np.where(np.abs(y) < 0.09, 0.088, 0))
    inside = np.abs(x) < body
    put(inside & (x > -0.01), x, [(-0.02, SAND), (0.08, OCHRE), (0.16, SIENNA)], WOOD)
    put(inside & (x <= -0.01), x, [(-0.16, UMBER), (-0.09, SIENNA), (0.0, OCHRE)], WOOD)
    hole = np.hypot(x, y + 0.015)
    put(inside & (hole < 0.060), hole, [(0.03, BONE), (0.06, SAND)])
    put(inside & (hole < 0.046), x, [(-0.05, BLACK), (0.05, UMBER)])
    put((np.abs(x) < 0.062) & (np.abs(y - 0.135) < 0.012), x, [(-0.06, BLACK), (0.06, UMBER)])
    put((np.abs(x) < 0.025) & (y < -0.055) & (y > -0.43), x, [(-0.025, BLACK), (0.005, UMBER), (0.025, SIENNA)])
    put((np.abs(x) < 0.025) & (y < -0.055) & (y > -0.43) & ((y * 24) % 1 < 0.12), x, [(-0.03, GREY), (0.03, BONE)])
    put((np.abs(x) < 0.040 + 0.05 * (y + 0.43)) & (y <= -0.43) & (y > -0.51), x, [(-0.04, BRICK), (0.04, SIENNA)])
    strings = (np.abs(((x + 0.0205) / 0.0075) % 1 - 0.5) < 0.16) & (np.abs(x) < 0.0205) & (y > -0.48) & (y < 0.135)
    colour[strings], material[strings] = BONE, ANY
    # A glass, and two pears.
    x, y = u - 0.265, v - 0.165
    bowl = np.where(y < 0.0, 0.056 - 0.12 * np.clip(y + 0.02, -0.1, 0.02), 0.056 * np.sqrt(np.clip(1 - (y / 0.065) ** 2, 0, 1)))
    shine = [(-1, SLATE), (-0.4, BONE), (0.1, SEAGREY), (0.7, BONE), (1, SLATE)]
    put((np.abs(x) < bowl) & (y > -0.10) & (y < 0.065), x / 0.06, shine, GLASS)
    put((np.abs(x) < bowl * 0.9) & (y > -0.015) & (y < 0.058), x / 0.06, [(-1, BLACK), (0, BRICK), (1, OCHRE)], GLASS)
    put((np.abs(x) < 0.007) & (y > 0.06) & (y < 0.13), x, [(-0.01, SLATE), (0.01, BONE)])
    put(np.hypot(x / 0.052, (y - 0.135) / 0.015) < 1, x, [(-0.05, SLATE), (0.05, BONE)])
    for px, py, shades in ((-0.13, 0.300, (UMBER, OCHRE, BONE)), (-0.025, 0.345, (BLACK, BRICK, OCHRE))):
        x, y = u - px, v - py
        pear = np.minimum(np.hypot(x / 0.058, y / 0.052), np.hypot((x - 0.012) / 0.030, (y + 0.058) / 0.040))
        put(pear < 1, 0.5 - 6 * x - 4 * y, [(0, shades[0]), (0.5, shades[1]), (1, shades[2])])
    return colour, material, part


def textures(rng: np.random.Generator, colour: Array, material: Array, u: Array, v: Array, noise: Array) -> Array:
    """Lay the textures over the flat colours: combed grain, print, checks, dots."""
    unit = colour.shape[0]
    grain = (v * unit / 7.5 + 0.9 * np.sin(u * 9) + 2.6 * noise) % 1
    comb = step(np.abs(grain - 0.5), 0.33, 0.10) * (0.45 + 0.55 * noise)
    eye = np.sin(np.hypot(u * 3.2 - 0.2, v - 0.05) * 190 + 6 * noise) * 0.5 + 0.5
    wood = np.where(noise > 0.78, eye * 0.6, comb)
    colour = mix(colour, colour * 0.52, np.where(material == WOOD, wood * 0.85, 0))
    a, b = (u * 0.93 + v * 0.36) * unit, (v * 0.93 - u * 0.36) * unit
    row, column = np.floor(b / 7.0), np.floor(a / 62)
    words = np.sin(a * 0.83 + row * 12.7) + np.sin(a * 0.37 + row * 5.1) + 0.9 * np.sin(a * 2.1 + row * 3.3) > -0.75
    text = (b % 7.0 < 3.4) & words & ((a % 62) > 5) & (np.sin(row * 2.4 + column * 4) > -0.93)
    head = (row % 9 == 0) & (b % 7.0 < 6.4) & (np.sin(a * 0.42 + row) > -0.35)
    colour = mix(colour, colour * 0.0 + np.array(BLACK, np.float32), np.where((material == PRINT) & (text | head), 0.80, 0))
    check = (np.floor(a / 19) + np.floor(b / 19)) % 2
    colour = mix(colour, colour * 0.0 + np.array(BRICK, np.float32), np.where(material == CLOTH, 0.72 * check, 0))
    return colour


def look_through(rng: np.random.Generator, size: tuple[int, int], planes: list[Facet]) -> tuple[Array, Array, Array]:
    """Return the picture behind the facets (colour), the numbers of its parts, and the number of the facet at each pixel."""
    y, x = grid(size)
    number = np.zeros(size, np.int32)
    for k, plane in enumerate(planes):
        cv2.fillPoly(number, [np.round(plane.outline).astype(np.int32)], k)
    u, v = np.zeros(size, np.float32), np.zeros(size, np.float32)
    shade, tint, share = np.zeros(size, np.float32), np.zeros((*size, 3), np.float32), np.zeros(size, np.float32)
    for k, plane in enumerate(planes):
        inside = number == k
        cx, cy = plane.outline.mean(0)
        dx, dy = x[inside] - cx, y[inside] - cy
        c, s = np.cos(plane.turn) / plane.enlarge, np.sin(plane.turn) / plane.enlarge
        u[inside] = (c * dx + s * dy + cx + plane.shift[0] - size[1] / 2) / size[0]
        v[inside] = (-s * dx + c * dy + cy + plane.shift[1] - size[0] / 2) / size[0]
        along = dx * np.cos(plane.slope) + dy * np.sin(plane.slope)
        low, high = along.min(initial=0), along.max(initial=1)
        shade[inside] = ((along - low) / (high - low) - 0.5) * plane.depth
        tint[inside], share[inside] = plane.tint, plane.share
    noise = clouds(rng, size, 14, 3)
    colour, material, part = seen(rng, u, v)
    colour = textures(rng, colour, material, u, v, noise)
    colour = mix(colour, tint, share)
    dark, pale = colour * np.array((0.36, 0.37, 0.40), np.float32), np.array(BONE, np.float32)
    colour = mix(colour, dark, np.clip(shade * 1.15, 0, 1))
    colour = mix(colour, pale * np.ones_like(colour), np.clip(-shade * 1.25, 0, 1))
    return colour, part, number


def dry_brush(canvas: Array, height: Array, rng: np.random.Generator, colour: Array, number: Array, planes: list[Facet]) -> None:
    """Repaint with a flat brush: in each facet along its own direction, in the local colour, with gaps where bristles run dry."""
    rows, columns = number.shape
    spacing = 11
    cx, cy = np.meshgrid(np.arange(0, columns, spacing), np.arange(0, rows, spacing))
    spots = rng.permutation(np.stack([cx.ravel(), cy.ravel()], -1) + rng.uniform(0, spacing, (cx.size, 2)))
    for spot in spots:
        row, column = min(rows - 1, int(spot[1])), min(columns - 1, int(spot[0]))
        k = number[row, column]
        angle = planes[k].slope + np.pi / 2 + rng.normal(0, 0.13)
        along, across = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
        long, wide = rng.uniform(16, 40), rng.uniform(7, 15)
        tone = rng.normal(0, 9)
        for offset in np.arange(-wide / 2, wide / 2, 1.7):
            if rng.random() < 0.22:
                continue
            start, end = np.sort(rng.uniform(-0.5, 0.5, 2)) * long
            if end - start < 4:
                continue
            line = spot + np.linspace(start, end, 6)[:, None] * along + (offset + rng.normal(0, 0.3)) * across
            at = np.clip(line.round().astype(int), 0, (columns - 1, rows - 1))
            keep = number[at[:, 1], at[:, 0]] == k
            if keep.sum() < 3:
                continue
            line, at = line[keep], at[keep]
            paint = colour[at[len(at) // 2, 1], at[len(at) // 2, 0]] + tone + rng.normal(0, 13)
            value = colour_of(paint)
            ribbon(canvas, line, rng.uniform(0.9, 2.0), value, SCALE)
            ribbon(height, line, 1.6, int(np.clip(128 + rng.normal(0, 46), 0, 255)), SCALE)


def dots(canvas: Array, height: Array, rng: np.random.Generator, colour: Array, number: Array, planes: list[Facet]) -> None:
    """Fill some facets with rows of square touches, lighter and darker than the ground."""
    rows, columns = number.shape
    for k in rng.permutation(len(planes))[: len(planes) // 5]:
        angle = planes[k].slope
        turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
        reach = np.abs(planes[k].outline - planes[k].outline.mean(0)).max() * 1.4
        a, b = np.meshgrid(np.arange(-reach, reach, 10.5), np.arange(-reach, reach, 7.5))
        a += 5.2 * (np.arange(a.shape[0]) % 2)[:, None]
        spots = np.stack([a.ravel(), b.ravel()], -1) @ turn + planes[k].outline.mean(0) + rng.normal(0, 0.7, (a.size, 2))
        pale = rng.random() < 0.65
        for spot in spots:
            if not (0 <= spot[0] < columns and 0 <= spot[1] < rows) or number[int(spot[1]), int(spot[0])] != k:
                continue
            ground = colour[int(spot[1]), int(spot[0])]
            paint = ground * 0.45 + np.array(BONE if pale else UMBER) * 0.55 + rng.normal(0, 10)
            touch = spot + np.array(((-2.8, 0), (2.8, 0))) @ turn
            ribbon(canvas, touch, rng.uniform(3.2, 4.4), colour_of(paint), SCALE)
            ribbon(height, touch, 3.6, 205, SCALE)


def contours(canvas: Array, height: Array, rng: np.random.Generator, part: Array, number: Array, planes: list[Facet]) -> None:
    """Thick dark lines: around the things, where they are larger than a few pixels, and along part of the facets' edges."""
    shapes = cv2.medianBlur(part.astype(np.uint8), 5)
    for name in np.unique(shapes):
        found, _ = cv2.findContours((shapes == name).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for outline in found:
            points = outline[:, 0].astype(np.float64)
            inside = (points > 1).all(1) & (points < (part.shape[1] - 2, part.shape[0] - 2)).all(1)
            if len(points) < 70:
                continue
            for piece in np.array_split(np.arange(len(points)), max(1, len(points) // 90)):
                if rng.random() < 0.30 or not inside[piece].all():
                    continue
                smooth = cv2.GaussianBlur(points[piece], (1, 9), 0)[::3]
                if len(smooth) < 5:
                    continue
                tremble = 1 + 0.2 * np.sin(np.arange(len(smooth)) / 3 + rng.uniform(0, 6))
                weight = rng.uniform(1.8, 4.2) * taper(len(smooth), 0.45) * tremble
                ribbon(canvas, smooth, weight, BLACK, SCALE)
                ribbon(height, smooth, weight, 190, SCALE)
    for plane in planes:
        for k in range(len(plane.outline)):
            if rng.random() < 0.45:
                continue
            p, q = plane.outline[k - 1], plane.outline[k]
            if ((p == q) & ((q == 0) | (q == (part.shape[1], part.shape[0])))).any():
                continue  # the border of the picture
            run_out = rng.uniform(-0.05, 0.12)
            bow = rng.normal(0, 0.012, 2) * np.linalg.norm(q - p)
            line = curve([p - (q - p) * run_out, (p + q) / 2 + bow, q + (q - p) * rng.uniform(-0.15, 0.10)], 40)
            across = np.array((-(q - p)[1], (q - p)[0])) / (np.linalg.norm(q - p) + 1e-6)
            weight = rng.uniform(2.6, 6.2) * np.linspace(1.0, rng.uniform(0.25, 1), 40) * (1 + 0.14 * np.sin(np.arange(40) / 2.1))
            for offset in np.linspace(-0.42, 0.42, 5):  # a bundle of bristles, so that the line has rough edges and dries out
                keep = slice(int(rng.uniform(0, 5)), 40 - int(rng.uniform(0, 12)))
                tone = int(np.clip(rng.normal(34, 10), 10, 70))
                strand = line[keep] + (offset * weight[keep])[:, None] * across
                ribbon(canvas, strand, weight[keep] * 0.30, (tone, tone - 3, tone - 2), SCALE)
            ribbon(height, line, weight, 200, SCALE)


def paint(seed: int = 0, size: tuple[int, int] = SIZE) -> Array:
    """Paint the picture; returns H×W×3 uint8, sRGB."""
    rng = np.random.default_rng(seed)
    planes = facets(rng, size)
    colour, part, number = look_through(rng, size, planes)
    large = (size[1] * SCALE, size[0] * SCALE)
    canvas = cv2.resize(np.clip(colour, 0, 255).astype(np.uint8), large, interpolation=cv2.INTER_LINEAR)
    height = np.full(large[::-1], 110, np.uint8)
    dry_brush(canvas, height, rng, colour, number, planes)
    # Print, strings and checks would drown in strokes: the first drawing shows through where the paint is thin.
    thin = cv2.resize(0.30 + 0.45 * clouds(rng, size, 9, 3), large)
    canvas = np.clip(mix(canvas.astype(np.float32), cv2.resize(colour, large), thin), 0, 255).astype(np.uint8)
    dots(canvas, height, rng, colour, number, planes)
    contours(canvas, height, rng, part, number, planes)
    picture = shrink(canvas, size)
    y, x = grid(size)
    weave = np.sin(x * 1.9) * np.sin(y * 0.95) + np.sin(x * 0.95 + 1) * np.sin(y * 1.9)
    relief = cv2.GaussianBlur(shrink(height, size) / 255, (0, 0), 0.7) + 0.014 * weave + 0.010 * rng.standard_normal(size)
    picture = 112 + 1.16 * (picture * (0.90 + 0.20 * clouds(rng, size, 5, 2))[..., None] - 112)
    return np.clip(light(picture, relief.astype(np.float32), 0.62), 0, 255).astype(np.uint8)
