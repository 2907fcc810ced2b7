"""Settings of the file and of the render."""

from __future__ import annotations

from typing import Any

import bpy


def empty_scene() -> Any:
    """Load Blender's factory settings with the windows of its video editing template, and return its scene, emptied, writing PNG."""
    try:
        bpy.ops.wm.read_factory_settings(app_template="Video_Editing")
    except (RuntimeError, TypeError):  # a build without templates: the same scene, in another layout of windows
        bpy.ops.wm.read_factory_settings(use_empty=True)
    for block in (*bpy.data.objects, *bpy.data.worlds):
        bpy.data.batch_remove([block])
    image = bpy.context.scene.render.image_settings
    if hasattr(image, "media_type"):  # from Blender 5 on the kind of media comes first
        image.media_type = "IMAGE"
    image.file_format, image.color_mode = "PNG", "RGB"
    return bpy.context.scene


def set_shot(scene: Any, frames: int, width: int, first: int = 1) -> int:
    """Set the range of frames, 12 of them per second, and a picture of 16:9 (of even height); return the last frame."""
    scene.frame_start, scene.frame_end = first, first + frames - 1
    render = scene.render
    render.fps = 12
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, round(width * 9 / 32) * 2, 100
    last: int = scene.frame_end
    return last


def denoise(cycles: Any) -> None:
    """Denoise with OpenImageDenoise; builds of Blender that lack it take four times the samples instead."""
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:
        cycles.samples *= 4
        return
    cycles.use_denoising = True
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "ACCURATE"


def render_with_cycles(scene: Any, samples: int, seed: int) -> None:
    """Set up Cycles on the CPU: `samples` per pixel, few bounces, denoised, motion vectors possible; shown with the Standard view."""
    render = scene.render
    render.engine = "CYCLES"
    render.use_motion_blur = False  # motion vectors need it off
    render.use_persistent_data = True  # halves the cost of a frame here: most of it is preparing the scene
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.use_adaptive_sampling = samples, False
    cycles.seed, cycles.use_animated_seed = seed, False
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 1
    cycles.pixel_filter_type, cycles.filter_width = "BLACKMAN_HARRIS", 1.8  # a little wide: fine texture that shimmers less
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 3.0
    denoise(cycles)
    scene.view_settings.view_transform = "Standard"  # vivid, and exact for the painting in the sequencer of every version
    scene.view_settings.look = "None"
