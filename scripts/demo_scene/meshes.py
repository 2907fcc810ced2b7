"""Meshes and objects from lists of points: boxes, prisms and lathed shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import bpy

#: x, y and z in metres; z is up.
Point = tuple[float, float, float]


def add_object(
    scene: Any, name: str, data: Any, location: Point = (0, 0, 0), turn: float = 0.0, scale: float = 1.0, parent: Any = None
) -> Any:
    block = bpy.data.objects.new(name, data)
    block.location, block.rotation_euler, block.scale = location, (0, 0, turn), (scale, scale, scale)
    block.parent = parent
    scene.collection.objects.link(block)
    return block


def mesh(
    name: str,
    vertices: Iterable[Point],
    faces: Iterable[Sequence[int]],
    materials: Sequence[Any],
    slots: Sequence[int] | None = None,
    smooth: bool = False,
) -> Any:
    block = bpy.data.meshes.new(name)
    block.from_pydata([tuple(v) for v in vertices], [], [tuple(f) for f in faces])
    for item in materials:
        block.materials.append(item)
    if slots:
        block.polygons.foreach_set("material_index", list(slots))
    block.polygons.foreach_set("use_smooth", [smooth] * len(block.polygons))
    block.update()
    return block


class Parts:
    """Collects boxes, prisms and lathed shapes with their materials into one mesh."""

    def __init__(self) -> None:
        self.vertices: list[Point] = []
        self.faces: list[Sequence[int]] = []
        self.slots: list[int] = []

    def polygons(self, vertices: Sequence[Point], faces: Sequence[Sequence[int]], slot: int) -> None:
        start = len(self.vertices)
        self.vertices += vertices
        self.faces += [[start + i for i in face] for face in faces]
        self.slots += [slot] * len(faces)

    def box(self, low: Point, high: Point, slot: int) -> None:
        corners = [(x, y, z) for z in (low[2], high[2]) for y in (low[1], high[1]) for x in (low[0], high[0])]
        self.polygons(corners, [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)], slot)

    def lathe(
        self, profile: Sequence[tuple[float, float]], segments: int, slot: Callable[[int, int], int], centre: Point = (0, 0, 0)
    ) -> None:
        """Turn a profile of (radius, height) around the vertical axis; `slot` names the material of (ring, segment)."""
        rings = [
            (centre[0] + r * math.cos(2 * math.pi * k / segments), centre[1] + r * math.sin(2 * math.pi * k / segments), centre[2] + z)
            for r, z in profile
            for k in range(segments)
        ]
        start = len(self.vertices)
        self.vertices += rings
        for ring in range(len(profile) - 1):
            for k in range(segments):
                a, b = start + ring * segments + k, start + ring * segments + (k + 1) % segments
                self.faces.append((a, b, b + segments, a + segments))
                self.slots.append(slot(ring, k))

    def build(self, name: str, materials: Sequence[Any], smooth: bool = False) -> Any:
        return mesh(name, self.vertices, self.faces, materials, self.slots, smooth)
