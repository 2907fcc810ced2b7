"""What a sweep compares: rows of paintings, columns of weights, and the look of every cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LwswError
from ..jobs.settings import LookSettings
from ..profiles import MAIN_LAYERS, PROFILES, LayerWeights, Look

#: Stands for eight columns: each main layer alone, and the profiles.
ALL_LAYERS = "layers"


@dataclass(frozen=True)
class Column:
    """Weights: as they were given, as look settings (``profile`` or ``layer_weights``), and the exponent p or None."""

    weights: str
    settings: Mapping[str, Any]
    exponent: float | None


@dataclass(frozen=True)
class Row:
    """A painting with a strength and a content weight; None takes that of the profile."""

    painting: Path
    strength: float
    content_weight: float | None


@dataclass(frozen=True)
class Grid:
    """What is compared. Build it with :meth:`make`.

    Attributes:
        rows, columns: the axes.
        looks: by row and column.
    """

    rows: Sequence[Row]
    columns: Sequence[Column]
    looks: Sequence[Sequence[Look]]

    @classmethod
    def make(
        cls,
        paintings: Sequence[Path],
        weights: Sequence[str],
        *,
        strengths: Sequence[float] = (1.0,),
        content_weights: Sequence[float | None] = (None,),
        exponents: Sequence[float | None] = (None,),
        color: str = "painting",
    ) -> Grid:
        """Return the grid of all combinations; what is given twice counts once.

        Args:
            paintings: picture files. Each is a row, or one row for each strength and content weight.
            weights: each a profile, ``relu1_1=1,relu5_1=2``, or :data:`ALL_LAYERS`. Each is a column, or one for each exponent.
            strengths: from 0; 1 is the default.
            content_weights: from 0; None is the profile's.
            exponents: from 0 to 2; None follows the weights.
            color: one of :data:`lwsw.profiles.COLORS`.

        Raises:
            LwswError: ``bad_settings``, ``bad_weights`` or ``unknown_layer`` with the value at fault; ``missing_style``.
        """
        for painting in paintings:
            if not painting.is_file():
                raise LwswError("missing_style", f"The painting {painting} does not exist.", "Choose another picture as style.")
        given = {text: settings for entry in weights for text, settings in _expand(entry).items()}
        columns = [Column(text, settings, exponent) for text, settings in given.items() for exponent in dict.fromkeys(exponents)]
        rows = [
            Row(painting, strength, content)
            for painting in {path.resolve(): path for path in paintings}.values()
            for strength in dict.fromkeys(strengths)
            for content in dict.fromkeys(content_weights)
        ]
        return cls(rows, columns, [[_look(row, column, color) for column in columns] for row in rows])

    def row_words(self, row: int) -> list[str]:
        """Return strength and content weight of a row, as far as they are not everywhere the default."""
        strength, content = self.rows[row].strength, self.rows[row].content_weight
        words = [f"strength {strength:g}"] if any(other.strength != 1.0 for other in self.rows) else []
        return words if content is None else [*words, f"content {content:g}"]

    def cell_words(self, row: int, column: int) -> list[str]:
        """Return what a cell is painted with, beside its painting."""
        exponent = self.columns[column].exponent
        return [self.columns[column].weights, *self.row_words(row), *([] if exponent is None else [f"p {exponent:g}"])]


def _expand(text: str) -> dict[str, dict[str, Any]]:
    """Return the columns that one ``--weights`` stands for: text → look settings."""
    text = text.strip()
    if text == ALL_LAYERS:
        return {f"{layer}=1": {"layer_weights": {layer: 1.0}} for layer in MAIN_LAYERS} | {name: {"profile": name} for name in PROFILES}
    if "=" in text:
        weights = dict(LayerWeights.parse(text))
        return {",".join(f"{layer}={value:g}" for layer, value in weights.items()): {"layer_weights": weights}}
    if text in PROFILES:
        return {text: {"profile": text}}
    hint = f"Use one of: {', '.join(PROFILES)}, {ALL_LAYERS}, or weights such as relu1_1=1,relu5_1=2."
    raise LwswError("bad_settings", f"'{text}' is neither a profile nor layer weights.", hint)


def _look(row: Row, column: Column, color: str) -> Look:
    values = {"strength": row.strength, "content_weight": row.content_weight, "frequency_exponent": column.exponent, "color": color}
    return LookSettings.from_dict({**column.settings, **values}).at(0, ())
