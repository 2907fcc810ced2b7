"""What a job may be asked for, and the sentence for what it may not."""

from __future__ import annotations

import math

import pytest

from lwsw.errors import LwswError
from lwsw.jobs.settings import StylizeSettings
from lwsw.profiles import LAYER_NAMES, MAIN_LAYERS, PROFILES, LayerWeights, parse_layers, receptive_field, stroke_exponent

STYLES = ("a.jpg", "b.jpg")


def refused(data: dict, count: int = 3) -> LwswError:
    with pytest.raises(LwswError) as caught:
        StylizeSettings.from_dict(data).check_frames(count, STYLES)
    assert caught.value.message.endswith(".") and caught.value.hint
    return caught.value


def test_json_gives_the_same_settings_back() -> None:
    settings = StylizeSettings.from_dict(
        {
            "layer_weights": {"relu1_1": [1, 0.5, 0], "relu4_3": 2},
            "style_weights": {"a.jpg": 1, "b.jpg": [0, 0.5, 1]},
            "strength": [0, 0.5, 1],
            "frequency_exponent": [0.2, 0.3, 0.4],
            "color": "luminance",
            "normalization": "gatys",
            "content_layers": {"relu3_1": 1, "relu4_2": 3},
            "regions": [{"name": "Hero", "objects": ["Cube"], "profile": "abstract"}, {"objects": ["Tree.*", "Bush"], "strength": 0}],
        }
    )
    assert StylizeSettings.from_dict(settings.to_dict()) == settings
    values = settings.at(1, STYLES)
    assert dict(values.look.layer_weights) == {"relu1_1": 0.5, "relu4_3": 2.0}
    assert values.look.style_weights == pytest.approx((1 / 1.5, 0.5 / 1.5))
    assert (values.look.strength, values.look.exponent, values.look.color) == (0.5, 0.3, "luminance")
    assert settings.regions[1].name == "Tree.*, Bush"
    assert settings.layers_in_use(3) == [{"relu1_1", "relu4_3"}, set(PROFILES["abstract"].layer_weights()), {"relu1_1", "relu4_3"}]


def test_a_region_takes_what_it_does_not_say_from_the_picture() -> None:
    settings = StylizeSettings.from_dict(
        {
            "profile": "fine-grain",
            "content_weight": 3,
            "color": "histogram",
            "style_weights": {"a.jpg": 1},
            "regions": [{"objects": ["A"]}, {"objects": ["B"], "profile": "abstract"}, {"objects": ["C"], "layer_weights": {"relu5_4": 1}}],
        }
    )
    picture, *regions = (settings.at(0, STYLES).look, *settings.at(0, STYLES).regions)
    assert regions[0] == picture and picture.content_weight == 3 and picture.style_weights == (1.0, 0.0)
    assert dict(regions[1].layer_weights) == dict(PROFILES["abstract"].layer_weights())
    assert regions[1].content_weight == PROFILES["abstract"].content_weight
    assert dict(regions[2].layer_weights) == {"relu5_4": 1.0} and regions[2].content_weight == 3
    assert {region.color for region in regions} == {"histogram"}
    assert settings.needs_passes(1) and not StylizeSettings.from_dict({}).needs_passes(1)


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        ({"layer_weights": {"relu1_1": -1}}, "bad_weights", "relu1_1 is -1"),
        ({"layer_weights": {"relu1_1": math.nan}}, "bad_weights", "relu1_1 is nan"),
        ({"layer_weights": {"relu1_1": [1, math.inf, 1]}}, "bad_weights", "inf"),
        ({"layer_weights": {"relu1_1": 0, "relu2_1": 0}}, "bad_weights", "All layer weights are zero"),
        ({"layer_weights": {"relu1_1": [1, 0, 1]}}, "bad_weights", "All layer weights are zero"),
        ({"layer_weights": {"relu9_1": 1}}, "unknown_layer", "relu9_1"),
        ({"layer_weights": {"relu1_1": [1, 2]}}, "bad_settings", "2 values for 3 frames"),
        ({"layer_weights": {"relu1_1": "1"}}, "bad_weights", "relu1_1"),
        ({"layer_weights": [1, 2]}, "bad_weights", "by name"),
        ({"profile": "custom"}, "bad_weights", "custom"),
        ({"profile": "baroque"}, "bad_settings", "baroque"),
        ({"style_weights": {"c.jpg": 1}}, "bad_settings", "c.jpg"),
        ({"style_weights": {"a.jpg": 0}}, "bad_weights", "paintings are zero"),
        ({"style_weights": {"a.jpg": [0, 1, 0], "b.jpg": [1, 0, 0]}}, "bad_weights", "paintings are zero"),
        ({"strength": -0.5}, "bad_weights", "strength"),
        ({"strength": [1, 1]}, "bad_settings", "strength"),
        ({"frequency_exponent": 3}, "bad_settings", "frequency exponent"),
        ({"frequency_exponent": math.nan}, "bad_settings", "frequency exponent is nan"),
        ({"frequency_exponent": [0, -1, 0]}, "bad_settings", "frequency exponent is -1"),
        ({"frequency_exponent": []}, "bad_weights", "frequency exponent is an empty list"),
        ({"frequency_exponent": "1"}, "bad_settings", "frequency exponent is 1"),
        ({"color": "blue"}, "bad_settings", "blue"),
        ({"normalization": "none"}, "bad_settings", "none"),
        ({"content_layers": {}}, "bad_weights", "all content layers are zero"),
        ({"content_layers": {"relu4_2": 0}}, "bad_weights", "all content layers are zero"),
        ({"content_layers": {"relu4_2": -1}}, "bad_weights", "relu4_2 is -1"),
        ({"content_layers": {"conv1": 1}}, "unknown_layer", "conv1"),
        ({"regions": {"objects": ["A"]}}, "bad_settings", "not a list"),
        ({"regions": [{}]}, "bad_settings", "names no object"),
        ({"regions": [{"name": "Hero", "objects": []}]}, "bad_settings", "'Hero' names no object"),
        ({"regions": [{"objects": "Cube"}]}, "bad_settings", "names no object"),
        ({"regions": [{"objects": ["Cube"], "iterations": 3}]}, "bad_settings", "iterations"),
        ({"regions": [{"objects": ["Cube"], "layer_weights": {"relu2_1": [1, 2]}}]}, "bad_settings", "in the region 'Cube'"),
        ({"regions": [{"objects": ["Cube"], "style_weights": {"x.png": 1}}]}, "bad_settings", "x.png"),
        ({"regions": [{"objects": ["Cube"], "strength": -1}]}, "bad_weights", "In the region 'Cube': the strength is -1"),
        (
            {"regions": [{"name": "Hero", "objects": ["A"], "layer_weights": {"relu1_1": 0}}]},
            "bad_weights",
            "In the region 'Hero': all layer",
        ),
        ({"regions": [{"objects": ["A"], "layer_weights": {"relu9_1": 1}}]}, "unknown_layer", "In the region 'A': there is no layer"),
        ({"regions": [{"objects": ["A"], "style_weights": {"a.jpg": [1, 0, 1]}}]}, "bad_weights", "In the region 'A': the weights of all"),
        ({"regions": [{"objects": ["A"], "layer_weights": {"relu1_1": [1, 1, 0]}}]}, "bad_weights", "In the region 'A': all layer weights"),
    ],
)
def test_what_cannot_be_is_said(data: dict, code: str, words: str) -> None:
    error = refused(data)
    assert error.code == code and words in error.message, error.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("relu1_1", "'relu1_1'"),
        ("relu1_1=", "'relu1_1='"),
        ("=1", "'=1'"),
        ("relu1_1=0,5", "'5'"),
        ("relu1_1=1, relu1_1 = 2", "relu1_1 stands twice"),
    ],
)
def test_weights_that_cannot_be_read(text: str, words: str) -> None:
    for read in (parse_layers, LayerWeights.parse):
        with pytest.raises(LwswError) as caught:
            read(text)
        assert caught.value.code == "bad_weights" and words in caught.value.message and caught.value.hint
    assert parse_layers(" relu1_1 = 1,, relu9_9=-2 ") == {"relu1_1": 1.0, "relu9_9": -2.0}, "who takes them judges them"


def test_a_painting_that_is_smaller_than_what_its_layers_see_is_said() -> None:
    sizes = {"a.jpg": (400, 155), "b.jpg": (156, 156)}
    (note,) = StylizeSettings.from_dict({}).painting_notes(sizes, 3)  # relu5_1 sees 156 pixels
    assert "a.jpg" in note and "400×155" in note and "relu5_1 sees 156" in note
    shallow: dict = {"layer_weights": {"relu1_1": 1}, "style_weights": {"a.jpg": 1, "b.jpg": 0}}
    assert StylizeSettings.from_dict(shallow).painting_notes({"a.jpg": (3, 3), "b.jpg": (1, 1)}, 3) == [], "nobody uses b.jpg"
    (note,) = StylizeSettings.from_dict(shallow).painting_notes({"a.jpg": (3, 2)}, 3)
    assert "relu1_1 sees 3" in note
    hero = {"objects": ["A"], "layer_weights": {"relu1_1": 1, "relu3_1": [0, 0, 1]}, "style_weights": {"b.jpg": [0, 1, 0]}}
    (note,) = StylizeSettings.from_dict({**shallow, "regions": [hero]}).painting_notes({"a.jpg": (20, 20), "b.jpg": (20, 20)}, 3)
    assert "b.jpg" in note and "relu3_1 sees 24" in note
    assert StylizeSettings.from_dict({**shallow, "regions": [{**hero, "strength": 0}]}).painting_notes({"b.jpg": (20, 20)}, 3) == []


def test_stroke_size_follows_the_weights() -> None:
    exponents = [stroke_exponent(LayerWeights({layer: 1.0})) for layer in LAYER_NAMES]
    assert exponents == sorted(exponents) and exponents[-1] == 1.0
    assert stroke_exponent(LayerWeights({"relu5_1": 3.0})) == pytest.approx(1.0)
    fine, balanced, abstract = (stroke_exponent(PROFILES[name].layer_weights()) for name in ("fine-grain", "balanced", "abstract"))
    assert fine < balanced < abstract
    assert LayerWeights({"relu1_1": 1, "relu5_1": 1}).centroid() == pytest.approx((3 * 156) ** 0.5)
    assert [receptive_field(layer) for layer in MAIN_LAYERS] == [3, 10, 24, 68, 156]
