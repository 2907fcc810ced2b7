"""Object masks: Blender's own renders against areas worked out by hand, hashes against published values, damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from lwsw.errors import LwswError
from lwsw.media.cryptomatte import (
    Cryptomatte,
    check_objects,
    cryptomatte_id,
    match_objects,
    murmur_hash,
    read_cryptomatte,
    region_masks,
    scale_mask,
)
from lwsw.media.exr import read_channels, read_exr

HEIGHT, WIDTH = 4, 6
HIDING, PARTLY_HIDDEN = 'Größe "Ä" \\ 字', "Floor"  # see render_test_passes.py


def overlap(edges: tuple[float, float, float, float]) -> np.ndarray:
    """Return 36,64: the area of each pixel inside a rectangle given as left, right, bottom, top from the middle of the picture."""
    left, right, bottom, top = edges
    x, y = np.arange(64) - 32, 17 - np.arange(36)
    across = np.clip(np.minimum(x + 1, right) - np.maximum(x, left), 0, 1)
    down = np.clip(np.minimum(y + 1, top) - np.maximum(y, bottom), 0, 1)
    return down[:, None] * across


def true_coverages(folder: Path) -> dict[str, np.ndarray]:
    rectangles = {name: edges for name, (_, edges) in json.loads((folder / "objects.json").read_text(encoding="utf-8")).items()}
    truth = {name: overlap(edges) for name, edges in rectangles.items()}
    a, b = rectangles[HIDING], rectangles[PARTLY_HIDDEN]
    truth[PARTLY_HIDDEN] -= overlap((max(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), min(a[3], b[3])))
    return truth


def floats(ids: np.ndarray) -> np.ndarray:
    return ids.astype(np.uint32).view(np.float32)


def ranks(*pairs: tuple[np.ndarray, np.ndarray], prefix: str = "ViewLayer.") -> dict[str, np.ndarray]:
    """Return the channels of pairs of ids and coverages."""
    channels = {}
    for index, (ids, coverage) in enumerate(pairs):
        channels[f"{prefix}CryptoObject{index // 2:02d}.{'rb'[index % 2]}"] = floats(ids)
        channels[f"{prefix}CryptoObject{index // 2:02d}.{'ga'[index % 2]}"] = coverage.astype(np.float32)
    return channels


def constant(name: str, coverage: float) -> tuple[np.ndarray, np.ndarray]:
    return np.full((HEIGHT, WIDTH), cryptomatte_id(name) if name else 0), np.full((HEIGHT, WIDTH), coverage)


def manifest(names: dict[str, int] | str, layer: str = "ViewLayer", key: str = "1234567") -> dict[str, str]:
    text = names if isinstance(names, str) else json.dumps({name: f"{number:08x}" for name, number in names.items()})
    return {f"cryptomatte/{key}/name": f"{layer}.CryptoObject".removeprefix("."), f"cryptomatte/{key}/manifest": text}


def hashes(*names: str) -> dict[str, int]:
    return {name: murmur_hash(name.encode()) for name in names}


def write(path: Path, channels: dict[str, np.ndarray], **header: object) -> Path:
    settings = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **header}
    OpenEXR.File(settings, dict(channels)).write(str(path))
    return path


def raised_by(path: Path) -> LwswError:
    with pytest.raises(LwswError) as raised:
        read_cryptomatte(path, name="0001.exr")
    assert "0001.exr" in raised.value.message
    assert raised.value.hint
    return raised.value


# Hash


def test_hash_passes_the_verification_of_its_author() -> None:
    """SMHasher's verification value of MurmurHash3_x86_32: hashes of 0, 1, … 255 bytes under 256 seeds, hashed together."""
    results = b"".join(murmur_hash(bytes(range(length)), 256 - length).to_bytes(4, "little") for length in range(256))
    assert murmur_hash(results) == 0xB0F57EE3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hello", 6.0705627102400005616e-17),
        ("cube", -4.08461912519e15),
        ("sphere", 2.79018604383e15),
        ("plane", 3.66557617593e-11),
        ("равнина", -1.3192631212399999468e-25),
        ("mädchen", 6.2361298211599995797e25),
    ],
)
def test_ids_of_the_reference_implementation(name: str, value: float) -> None:
    """The test vectors of Psyop's cryptomatte_utilities."""
    assert floats(np.array([cryptomatte_id(name)]))[0] == pytest.approx(value, rel=1e-6)


def test_no_id_is_a_denormal_number_or_nan() -> None:
    numbers = [murmur_hash(f"Cube.{index:03d}".encode()) for index in range(2000)]
    odd = [index for index, number in enumerate(numbers) if number >> 23 & 255 in (0, 255)]
    assert odd  # otherwise this test says nothing
    for index in odd:
        number = cryptomatte_id(f"Cube.{index:03d}")
        assert number ^ numbers[index] == 1 << 23
        assert np.isfinite(floats(np.array([number]))[0]) and abs(floats(np.array([number]))[0]) >= np.finfo(np.float32).tiny


# Renders of Blender


@pytest.mark.parametrize("file", ["objects", "objects_layers", "objects_DWAA"])
def test_coverage_is_the_area_of_the_pixel(blender_passes: Path, file: str) -> None:
    cryptomatte = read_cryptomatte(blender_passes / f"{file}.exr")
    truth = true_coverages(blender_passes)
    assert set(cryptomatte.names) == set(truth)
    for name, expected in truth.items():
        coverage = cryptomatte.coverage([name])
        assert coverage.dtype == np.float32
        assert np.abs(coverage - expected).max() < 0.05, name  # 64 samples a pixel
        assert abs(coverage.sum() - expected.sum()) <= 0.002 * expected.sum() + 1e-6, name
        whole = (expected == 0) | (expected == 1)
        assert np.array_equal(coverage[whole], expected[whole]), name


def test_names_of_blender_lead_to_the_ids_in_the_pixels(blender_passes: Path) -> None:
    """Among them one whose plain hash would be a denormal number, which Blender lists unchanged but does not write into pixels."""
    cryptomatte = read_cryptomatte(blender_passes / "objects.exr")
    assert cryptomatte_id(HIDING) != murmur_hash(HIDING.encode())
    assert dict(cryptomatte.names) == {name: cryptomatte_id(name) for name in true_coverages(blender_passes)}
    seen = {int(number) for ids, coverage in cryptomatte.pairs for number in np.unique(ids[coverage > 0])}
    assert seen == {cryptomatte_id(name) for name in cryptomatte.names if name != "Outside"}


def test_regions_of_a_render(blender_passes: Path) -> None:
    truth = true_coverages(blender_passes)
    trees, rest = region_masks(read_cryptomatte(blender_passes / "objects.exr"), [["Tree.*"], ["*"]])
    assert np.abs(trees - truth["Tree.001"] - truth["Tree.002"]).max() < 0.05
    assert np.abs(rest - truth[HIDING] - truth[PARTLY_HIDDEN]).max() < 0.05


def test_one_decoding_serves_several_passes(blender_passes: Path) -> None:
    path = blender_passes / "objects.exr"
    image = read_exr(path, "frame 1")
    assert np.array_equal(read_cryptomatte(image).coverage(["Floor"]), read_cryptomatte(path).coverage(["Floor"]))
    channels, expected = image.channels(), read_channels(path)
    assert list(channels) == list(expected) == list(image.channel_names)
    assert all(np.array_equal(channels[name], expected[name], equal_nan=True) for name in expected)


def test_render_without_the_pass(blender_passes: Path) -> None:
    error = raised_by(blender_passes / "moving.exr")
    assert error.code == "missing_pass"
    assert "Cryptomatte" in error.message and "View Layer properties › Passes › Cryptomatte › Object" in error.hint


def test_render_with_rounded_ids(blender_passes: Path) -> None:
    error = raised_by(blender_passes / "objects_PXR24.exr")
    assert error.code == "corrupt_pass"
    assert "ZIP" in error.hint


def test_truncated_render(blender_passes: Path, tmp_path: Path) -> None:
    data = (blender_passes / "objects.exr").read_bytes()
    path = tmp_path / "0001.exr"
    for length in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert raised_by(path).code == "corrupt_pass"


# Files made by hand


@pytest.mark.parametrize("prefix", ["ViewLayer.", "", "View Layer.001."])
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_channel_names_in_any_case(tmp_path: Path, prefix: str, change: type) -> None:
    channels = {change(name): values for name, values in ranks(constant("A", 0.5), constant("B", 0.25), prefix=prefix).items()}
    path = write(tmp_path / "0001.exr", channels, **manifest(hashes("A", "B"), layer=prefix.removesuffix(".")))
    cryptomatte = read_cryptomatte(path)
    assert set(cryptomatte.names) == {"A", "B"}
    assert cryptomatte.size == (HEIGHT, WIDTH)
    assert (cryptomatte.coverage(["A"]) == 0.5).all()
    assert (cryptomatte.coverage(["B"]) == 0.25).all()
    assert (cryptomatte.coverage(["A", "B"]) == 0.75).all()
    assert not cryptomatte.coverage(["C"]).any()
    assert not cryptomatte.coverage([]).any()


@pytest.mark.parametrize("number", [0x7FC00001, 0xFF812345, 0x7F800000, 0x00000001, 0x807FFFFF, 0x80000000])
def test_ids_are_bits(tmp_path: Path, number: int) -> None:
    """NaN with a payload, signalling NaN, infinity, denormal numbers, minus zero: nothing on the way may change or mix them."""
    ids = np.full((HEIGHT, WIDTH), number)
    ids[0, 0] = number ^ 2
    windows = {"dataWindow": ((1, 1), (WIDTH, HEIGHT)), "displayWindow": ((0, 0), (WIDTH + 1, HEIGHT + 1))}
    path = write(tmp_path / "0001.exr", ranks((ids, np.ones((HEIGHT, WIDTH))), constant("", 0)), **windows)
    read_ids, _ = read_cryptomatte(path).pairs[0]
    assert read_ids.dtype == np.uint32
    assert np.array_equal(read_ids[1:-1, 1:-1], ids)
    mask = Cryptomatte({"A": number}, read_cryptomatte(path).pairs).coverage(["A"])
    expected = np.zeros((HEIGHT + 2, WIDTH + 2))
    expected[1:-1, 1:-1] = ids == number
    assert np.array_equal(mask, expected)


def test_several_view_layers(tmp_path: Path) -> None:
    """The first complete layer counts, with its own list of names."""
    broken = ranks(constant("A", 1), constant("", 0), prefix="Broken.")
    del broken["Broken.CryptoObject00.a"]
    channels = (
        broken | ranks(constant("B", 0.5), constant("", 0), prefix="First.") | ranks(constant("C", 1), constant("", 0), prefix="Later.")
    )
    lists = (
        manifest(hashes("C"), "Later", "1111111") | manifest(hashes("B"), "first", "2222222") | manifest(hashes("A"), "Broken", "3333333")
    )
    lists |= {"cryptomatte/4444444/name": "First.CryptoMaterial", "cryptomatte/4444444/manifest": '{"Gold":"00000001"}'}
    cryptomatte = read_cryptomatte(write(tmp_path / "0001.exr", channels, **lists))
    assert list(cryptomatte.names) == ["B"]
    assert (cryptomatte.coverage(["B"]) == 0.5).all()
    assert not cryptomatte.coverage(["C"]).any()


@pytest.mark.parametrize("place", range(3))
def test_list_of_names_in_any_part(tmp_path: Path, place: int) -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.float32)
    contents = [{"ViewLayer.Combined.R": empty}, ranks(constant("A", 1), constant("", 0)), {"ViewLayer.Depth.Z": empty}]
    headers = [{"name": f"part {index}", **(manifest(hashes("A")) if index == place else {})} for index in range(3)]
    path = tmp_path / "0001.exr"
    OpenEXR.File([OpenEXR.Part(header, content) for header, content in zip(headers, contents, strict=True)]).write(str(path))
    assert list(read_cryptomatte(path).names) == ["A"]


def test_layers_without_a_list_of_their_own_take_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "0001.exr", ranks(constant("A", 1), constant("", 0), prefix=""), **manifest(hashes("A"), "ViewLayer"))
    assert list(read_cryptomatte(path).names) == ["A"]


def test_names_in_json_with_escapes(tmp_path: Path) -> None:
    """What a program that writes real JSON makes of them; Blender's own unescaped form is in its renders."""
    names = ["Größe", 'a "quoted" name', "back\\slash", "C:\\new", "comma, colon: {brace}", "字", "two\nlines", '"', ""]
    path = write(tmp_path / "0001.exr", ranks(constant("A", 1), constant("", 0)), **manifest(hashes(*names)))
    assert dict(read_cryptomatte(path).names) == {name: cryptomatte_id(name) for name in names}


def test_names_as_blender_writes_them_without_escapes(tmp_path: Path) -> None:
    names = ['a "quoted" name', "back\\slash", "C:\\new", "C:\\u0041", "end\\", "tab\t", '"', "{}, :"]
    text = "{" + ",".join(f'"{name}":"{number:08x}"' for name, number in hashes(*names).items()) + "}"
    path = write(tmp_path / "0001.exr", ranks(constant("A", 1), constant("", 0)), **manifest(text))
    assert dict(read_cryptomatte(path).names) == {name: cryptomatte_id(name) for name in names}


@pytest.mark.parametrize("text", [None, "", "{}", "nonsense", '{"B":"nothex', '["A"]', '{"A": 5}', "{" + '"x' * 40_000])
def test_without_a_usable_list_names_are_hashed(tmp_path: Path, text: str | None) -> None:
    path = write(tmp_path / "0001.exr", ranks(constant("Würfel", 1), constant("", 0)), **(manifest(text) if text is not None else {}))
    cryptomatte = read_cryptomatte(path)
    assert not cryptomatte.names
    assert (cryptomatte.coverage(["Würfel"]) == 1).all()
    assert [mask.mean() for mask in region_masks(cryptomatte, [["Other"], ["Würfel"]])] == [0, 1]


def test_data_window_inside_the_display_window(tmp_path: Path) -> None:
    windows = {"dataWindow": ((2, 1), (WIDTH + 1, HEIGHT)), "displayWindow": ((0, 0), (WIDTH + 3, HEIGHT + 2))}
    mask = read_cryptomatte(write(tmp_path / "0001.exr", ranks(constant("A", 1), constant("", 0)), **windows)).coverage(["A"])
    assert mask.shape == (HEIGHT + 3, WIDTH + 4)
    assert (mask[1 : 1 + HEIGHT, 2 : 2 + WIDTH] == 1).all() and mask.sum() == HEIGHT * WIDTH


def test_only_materials_is_not_the_pass(tmp_path: Path) -> None:
    channels = {name.replace("Object", "Material"): values for name, values in ranks(constant("A", 1), constant("", 0)).items()}
    assert raised_by(write(tmp_path / "a.exr", channels)).code == "missing_pass"


def test_incomplete_pass(tmp_path: Path) -> None:
    channels = ranks(constant("A", 1), constant("", 0))
    del channels["ViewLayer.CryptoObject00.g"]
    error = raised_by(write(tmp_path / "a.exr", channels))
    assert error.code == "missing_pass" and "complete" in error.message


def test_missing_file(tmp_path: Path) -> None:
    assert raised_by(tmp_path / "a.exr").code == "missing_pass"


def test_half_floats_are_refused(tmp_path: Path) -> None:
    channels = {name: values.astype(np.float16) for name, values in ranks(constant("plane", 1), constant("", 0)).items()}
    error = raised_by(write(tmp_path / "a.exr", channels))
    assert error.code == "corrupt_pass" and "Float (Full)" in error.hint


def test_codec_that_takes_ids_for_colours(tmp_path: Path) -> None:
    channels = {name.replace(".r", ".R"): values for name, values in ranks(constant("A", 1), constant("", 0)).items()}
    assert raised_by(write(tmp_path / "a.exr", channels, compression=OpenEXR.DWAA_COMPRESSION)).code == "corrupt_pass"


def test_channels_of_different_size(tmp_path: Path) -> None:
    channels = ranks(constant("A", 1), constant("", 0))
    parts = [{name: channels[name] for name in channels if (name[-1] == "a") == last} for last in (False, True)]
    path = tmp_path / "a.exr"
    OpenEXR.File([OpenEXR.Part({"name": f"part {index}"}, part) for index, part in enumerate(parts)]).write(str(path))
    # OpenEXR does not write such a file, so the right edge of the second part's display window is moved by hand.
    data = bytearray(path.read_bytes())
    data[data.rindex(b"displayWindow\0box2i\0") + len(b"displayWindow\0box2i\0") + 4 + 8] += 1
    path.write_bytes(data)
    assert raised_by(path).code == "corrupt_pass"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coverage_that_is_not_a_number(tmp_path: Path, value: float) -> None:
    assert raised_by(write(tmp_path / "a.exr", ranks(constant("A", value), constant("", 0)))).code == "bad_pass_values"


# Regions


def frame(*pairs: tuple[str, float]) -> Cryptomatte:
    arrays = [(ids.astype(np.uint32), coverage.astype(np.float32)) for ids, coverage in (constant(*pair) for pair in pairs)]
    return Cryptomatte({name: cryptomatte_id(name) for name, _ in pairs if name}, tuple(arrays))


def test_an_object_belongs_to_the_first_region_that_names_it() -> None:
    cryptomatte = frame(("A", 0.5), ("B", 0.25), ("C", 0.125))
    masks = region_masks(cryptomatte, [["B"], ["A", "B"], ["*"], [], ["nothing"]])
    assert [float(mask.mean()) for mask in masks] == [0.25, 0.5, 0.125, 0, 0]
    assert region_masks(cryptomatte, []) == []


def test_coverages_above_one_are_brought_down() -> None:
    """EEVEE writes such sums at outlines; objects in no region count too."""
    masks = region_masks(frame(("A", 0.75), ("B", 0.25), ("C", 0.25)), [["A"], ["B"]])
    assert [float(mask[0, 0]) for mask in masks] == pytest.approx([0.6, 0.2])
    random = np.random.default_rng(0)
    pairs = tuple(
        (np.full((20, 30), cryptomatte_id(name), np.uint32), random.uniform(0, 0.6, (20, 30)).astype(np.float32)) for name in "ABCD"
    )
    masks = region_masks(Cryptomatte({}, pairs), [["A"], ["B", "D"], ["C"]])
    total = np.sum([pair[1] for pair in pairs], axis=0)
    assert (total > 1.2).any() and (total < 1).any()
    assert np.allclose(np.sum(masks, axis=0), np.minimum(total, 1), atol=1e-6)


def test_negative_coverage_counts_as_none(tmp_path: Path) -> None:
    cryptomatte = read_cryptomatte(write(tmp_path / "a.exr", ranks(constant("A", -0.5), constant("B", 1))))
    assert (cryptomatte.coverage(["A"]) == 0).all()
    assert (cryptomatte.coverage(["B"]) == 1).all()


def test_one_object_in_several_ranks_adds_up() -> None:
    assert (frame(("A", 0.5), ("B", 0.25), ("A", 0.25)).coverage(["A"]) == 0.75).all()


# Names


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["Cube"], ["Cube"]),
        (["Tree.*"], ["Tree.*"]),  # an object is really called that
        (["Tree.0*"], ["Tree.001", "Tree.002"]),
        (["Tree.00?"], ["Tree.001", "Tree.002"]),
        (["tree.00?", "cube"], []),
        (["Wall [old]*"], ["Wall [old]", "Wall [old] 2"]),
        (["Wall [a-z]*"], []),
        (["*", "Cube"], ["Cube", "Tree.001", "Tree.002", "Tree.*", "Wall [old]", "Wall [old] 2", "two\nlines"]),
        (["Wall*", "Cube", "Wall*"], ["Wall [old]", "Wall [old] 2", "Cube"]),
        (["two*"], ["two\nlines"]),
        (["Tree"], []),
        ([], []),
    ],
)
def test_patterns(patterns: list[str], expected: list[str]) -> None:
    names = ["Cube", "Tree.001", "Tree.002", "Tree.*", "Wall [old]", "Wall [old] 2", "two\nlines", "Cube"]
    assert match_objects(names, patterns) == expected


def test_unknown_object_names_the_nearest() -> None:
    names = [f"Rock.{index:03d}" for index in range(50)] + ["Hero_Body", "Hero_Head", "Cube"]
    check_objects(names, ["Cube", "Hero*"])
    with pytest.raises(LwswError) as raised:
        check_objects(names, ["Cube", "hero_bdy"], region="Hero")
    assert raised.value.code == "unknown_object"
    assert "'hero_bdy'" in raised.value.message and "'Hero'" in raised.value.message
    listed = raised.value.hint.partition(": ")[2].rstrip(".").split(", ")
    assert listed[:2] == ["Hero_Body", "Hero_Head"]
    assert len(listed) == 12
    with pytest.raises(LwswError, match=r"Tree\.\*"):
        check_objects(names, ["Tree.*"])


def test_without_a_list_only_wildcards_are_refused() -> None:
    check_objects([], ["Cube"])
    with pytest.raises(LwswError) as raised:
        check_objects([], ["Cube", "Tree*"])
    assert raised.value.code == "unknown_object"


# Sizes


def test_shrinking_averages_areas() -> None:
    mask = np.random.default_rng(0).random((12, 20)).astype(np.float32)
    small = scale_mask(mask, 5, 4)
    assert small.dtype == np.float32
    assert np.allclose(small, mask.reshape(4, 3, 5, 4).mean((1, 3)), atol=1e-6)


def test_growing_is_linear_and_stays_in_range() -> None:
    mask = np.array([[0, 1]], np.float32)
    assert np.allclose(scale_mask(mask, 8, 3), np.tile([0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], (3, 1)), atol=1e-3)
    random = (np.random.default_rng(0).random((9, 7)) > 0.5).astype(np.float32)
    for size in ((20, 31), (3, 40), (40, 3), (7, 9)):
        scaled = scale_mask(random, *size)
        assert scaled.shape == size[::-1]
        assert scaled.min() >= 0 and scaled.max() <= 1
    assert np.array_equal(scale_mask(random, 7, 9), random)


def test_each_axis_by_its_own_rule() -> None:
    mask = np.tile(np.array([0, 1, 0, 1], np.float32), (2, 1))
    assert np.allclose(scale_mask(mask, 2, 6), 0.5)
