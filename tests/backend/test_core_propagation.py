"""What a frame takes from earlier ones, against pictures whose strokes and light are known."""

from __future__ import annotations

import torch
from support_core import picture

from lwsw.core.propagation import Source, color_map, fill_uncovered, propagate


def still(height: int, width: int) -> torch.Tensor:
    return torch.zeros(1, height, width, 2)


def everywhere(height: int, width: int) -> torch.Tensor:
    return torch.ones(1, 1, height, width)


def painted(color: torch.Tensor, strokes: torch.Tensor) -> torch.Tensor:
    """Swap red and blue, darken, and lay strokes over it."""
    return 0.7 * color.flip(1) + 0.1 + strokes


def strokes_of(height: int, width: int) -> torch.Tensor:
    """Fine noise that no map of colours explains."""
    return 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(5))


def test_a_shadow_that_moves_moves_under_still_strokes() -> None:
    wall, strokes = picture(48, 64), strokes_of(48, 64)
    before, after = wall.clone(), wall.clone()
    before[..., 10:26] *= 0.3
    after[..., 18:34] *= 0.3
    source = Source(painted(before, strokes), before, still(48, 64), everywhere(48, 64))
    carried = propagate([source], after)
    result, trust = carried.image, carried.trust
    expected = painted(after, strokes)
    assert (result - expected).square().mean().sqrt() < 0.02
    assert (source.image - expected).square().mean().sqrt() > 0.1
    assert torch.equal(trust, everywhere(48, 64))


def test_colours_are_mapped_as_they_are_in_the_region() -> None:
    """Beside the region there are other strokes, or none: they say nothing about its colours."""
    wall, strokes = picture(48, 64), strokes_of(48, 64)
    region = everywhere(48, 64)
    region[..., 24:] = 0
    before, after = wall.clone(), wall.clone()
    before[..., 4:12] *= 0.3
    after[..., 10:18] *= 0.3
    after[..., 40:] += 0.4  # a change of light that is none of the region's
    image = torch.lerp(before, painted(before, strokes), region)
    source = Source(image, before, still(48, 64), everywhere(48, 64))
    carried, at_large = propagate([source], after, region), propagate([source], after)
    expected = painted(after, strokes)
    errors = [float((result.image - expected)[..., :24].square().mean().sqrt()) for result in (carried, at_large)]
    assert errors[0] < 0.02 and errors[1] > 2 * errors[0]
    alone = propagate([Source(image[..., :24], before[..., :24], still(48, 24), everywhere(48, 24))], after[..., :24])
    assert abs(carried.change - alone.change) < 1e-6 and at_large.change > carried.change
    trust = everywhere(48, 64)
    trust[..., 14:20] = 0
    filled = fill_uncovered(painted(wall, 0 * strokes) * region + (1 - region), trust, wall, region)
    assert (filled - painted(wall, 0 * strokes))[..., 14:20].square().mean().sqrt() < 0.02


def test_noise_of_the_render_is_not_light() -> None:
    wall, strokes = picture(48, 64), strokes_of(48, 64)
    noisy = wall + 0.01 * torch.randn(wall.shape, generator=torch.Generator().manual_seed(1))
    source = Source(painted(wall, strokes), wall, still(48, 64), everywhere(48, 64))
    carried = propagate([source], noisy)
    assert torch.allclose(carried.image, source.image, atol=1e-6)


def test_change_is_that_of_the_render_where_it_is_seen() -> None:
    wall = picture(48, 64)
    seen = everywhere(48, 64)
    seen[..., 40:] = 0
    brighter = wall.clone()
    brighter[..., :20] += 0.05  # half of what is seen
    brighter[..., 40:] += 0.5
    carried = propagate([Source(wall, wall, still(48, 64), seen)], brighter)
    assert abs(carried.change - 0.05 / 2**0.5) < 1e-6
    assert propagate([Source(wall, wall, still(48, 64), 0 * seen)], brighter).change == 0.0


def test_a_surface_takes_its_strokes_from_the_first_frame_that_shows_it() -> None:
    wall = picture(20, 30)
    previous = Source(torch.full_like(wall, 0.2), wall, still(20, 30), everywhere(20, 30))
    previous.visibility[..., 10:] = 0
    older = Source(torch.full_like(wall, 0.9), wall, still(20, 30), everywhere(20, 30))
    older.visibility[..., 20:] = 0
    carried = propagate([previous, older], wall)
    result, trust = carried.image, carried.trust
    assert torch.allclose(result[..., :10], torch.tensor(0.2)) and torch.allclose(result[..., 10:20], torch.tensor(0.9))
    assert (trust[..., :20] == 1).all() and (trust[..., 20:] == 0).all()
    assert torch.equal(result[..., 20:], wall[..., 20:])


def test_soft_edges_are_mixed() -> None:
    wall = picture(20, 30)
    previous = Source(torch.full_like(wall, 0.2), wall, still(20, 30), 0.25 * everywhere(20, 30))
    older = Source(torch.full_like(wall, 0.6), wall, still(20, 30), everywhere(20, 30))
    carried = propagate([previous, older], wall)
    result, trust = carried.image, carried.trust
    assert torch.allclose(result, torch.tensor(0.25 * 0.2 + 0.75 * 0.6)) and torch.allclose(trust, torch.tensor(1.0))


def test_color_map_finds_the_map_and_leaves_colours_where_nothing_weighs() -> None:
    color = picture(40, 40)
    expected = torch.tensor([[0.1, 0.0, 0.6], [0.0, 0.8, 0.0], [0.7, 0.0, 0.1], [0.05, 0.1, 0.0]])
    target = torch.einsum("ij,bihw->bjhw", expected[:3], color) + expected[3].view(1, 3, 1, 1)
    assert torch.allclose(color_map(color, target, everywhere(40, 40)), expected, atol=0.04)
    identity = torch.cat((torch.eye(3), torch.zeros(1, 3)))
    assert torch.allclose(color_map(color, target, 0 * everywhere(40, 40)), identity, atol=1e-5)


def test_uncovered_areas_take_the_colours_of_the_painting() -> None:
    """The painting swaps red and blue and darkens: a hidden area must come out so, too."""
    content = picture(40, 40)
    painted = 0.7 * content.flip(1) + 0.1
    trust = torch.ones(1, 1, 40, 40)
    trust[..., 10:20, 10:20] = 0
    damaged = torch.where(trust > 0, painted, torch.full_like(painted, 0.5))
    filled = fill_uncovered(damaged, trust, content)
    assert torch.equal(filled[..., :10, :], painted[..., :10, :])
    assert (filled - painted)[..., 10:20, 10:20].abs().mean() < 0.02
    assert (damaged - painted)[..., 10:20, 10:20].abs().mean() > 0.05


def test_fill_without_anything_visible_returns_the_render() -> None:
    content = picture(24, 24)
    filled = fill_uncovered(torch.full_like(content, 0.5), torch.zeros(1, 1, 24, 24), content)
    assert (filled - content).abs().max() < 0.02
