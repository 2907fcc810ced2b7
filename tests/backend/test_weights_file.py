"""Weights over time from files: exact values, interpolation by hand, and one clear sentence for everything that can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lwsw.errors import LwswError
from lwsw.jobs.weights_file import read_weights_file
from lwsw.profiles import MAIN_LAYERS, PROFILES, LayerWeights, get_profile


def read(tmp_path: Path, content: str | bytes | Any, frames: range = range(1, 4), name: str = "weights.csv") -> dict[str, Any]:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_weights_file(path, list(frames))


def read_json(tmp_path: Path, content: str | Any, frames: range = range(1, 4)) -> dict[str, Any]:
    return read(tmp_path, content, frames, "weights.json")


def error_of(tmp_path: Path, content: str | bytes | Any, frames: range = range(1, 4), name: str = "weights.csv") -> LwswError:
    with pytest.raises(LwswError) as raised:
        read(tmp_path, content, frames, name)
    assert name in raised.value.message
    assert "\n" not in raised.value.message and raised.value.message.endswith(".")
    assert raised.value.hint
    return raised.value


DENSE = "frame,relu1_1,relu5_4,content_weight,temporal_weight,strength,frequency_exponent,style:wave.jpg\n"
DENSE += "1,1,0,1.5,.5,1,0,0\n2,0.5,1e-1,1.25,1,0,2,0.5\n3,0,1,1,2,+1.5,1,1\n"
DENSE_RESULT = {
    "layer_weights": {"relu1_1": [1.0, 0.5, 0.0], "relu5_4": [0.0, 0.1, 1.0]},
    "content_weight": [1.5, 1.25, 1.0],
    "temporal_weight": [0.5, 1.0, 2.0],
    "strength": [1.0, 0.0, 1.5],
    "frequency_exponent": [0.0, 2.0, 1.0],
    "style_weights": {"wave.jpg": [0.0, 0.5, 1.0]},
}


def test_every_column(tmp_path: Path) -> None:
    assert read(tmp_path, DENSE) == DENSE_RESULT


def test_the_same_in_json(tmp_path: Path) -> None:
    header, *rows = (line.split(",") for line in DENSE.splitlines())
    entries = [dict(zip(header, map(float, row), strict=True)) for row in rows]
    by_frame = {str(int(entry["frame"])): {key: value for key, value in entry.items() if key != "frame"} for entry in entries}
    assert read_json(tmp_path, {"frames": by_frame}) == DENSE_RESULT
    assert read_json(tmp_path, {"frames": entries}) == DENSE_RESULT
    assert read_json(tmp_path, entries) == DENSE_RESULT
    assert read(tmp_path, json.dumps(entries), name="weights.txt") == DENSE_RESULT


def test_only_columns_that_are_there(tmp_path: Path) -> None:
    assert read(tmp_path, "strength,frame\n1,1\n1,2\n1,3\n") == {"strength": [1.0, 1.0, 1.0]}
    assert read(tmp_path, "frame,relu3_1\n1,1\n2,1\n3,1\n") == {"layer_weights": {"relu3_1": [1.0, 1.0, 1.0]}}


def test_rows_in_any_order_and_beyond_the_shot(tmp_path: Path) -> None:
    rows = "frame,strength\n-1,9\n3,0.3\n1,0.1\n0,9\n2,0.2\n4,9\n"
    assert read(tmp_path, rows)["strength"] == [0.1, 0.2, 0.3]
    assert read(tmp_path, rows, range(-1, 2))["strength"] == [9, 9, 0.1]


def test_column_names_in_any_case_and_comments(tmp_path: Path) -> None:
    text = "# made by hand, in spring\n\n Frame , ReLU1_1 ,Style:Große Welle.JPG\n1,1,1\n# frame 2\n2,1,1\n\n ,,\n3,1,2\n"
    result = read(tmp_path, text)
    assert result == {"layer_weights": {"relu1_1": [1.0] * 3}, "style_weights": {"Große Welle.JPG": [1.0, 1.0, 2.0]}}


def test_quoted_names_with_delimiters(tmp_path: Path) -> None:
    assert read(tmp_path, 'frame, "style:a,b;c.jpg"\n1,1\n2,2\n3,3\n') == {"style_weights": {"a,b;c.jpg": [1.0, 2.0, 3.0]}}


def test_empty_columns_at_the_end_do_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, "frame,strength,,\n1,1,,\n2,2\n3,3,,,\n") == {"strength": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_of_spreadsheets(tmp_path: Path, line_end: str, encoding: str, delimiter: str) -> None:
    text = DENSE.replace("wave", "Wölfe").replace(",", delimiter).replace("\n", line_end)
    result = read(tmp_path, text.encode(encoding))
    assert result == DENSE_RESULT | {"style_weights": {"Wölfe.jpg": [0.0, 0.5, 1.0]}}


def test_json_with_byte_order_mark(tmp_path: Path) -> None:
    text = json.dumps([{"frame": frame, "strength": 1} for frame in (1, 2, 3)])
    for encoding in ("utf-8-sig", "utf-16"):
        assert read(tmp_path, text.encode(encoding), name="weights.json") == {"strength": [1.0] * 3}


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_decimal_commas(tmp_path: Path, delimiter: str, quote: str) -> None:
    """What a German spreadsheet saves."""
    rows = [["frame", "relu1_1", "relu5_1"], ["1", "0,5", "1"], ["2", "1,000", ",25"], ["3,0", "2e-1", "-0,0"]]
    text = "\r\n".join(delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in rows)
    assert read(tmp_path, text)["layer_weights"] == {"relu1_1": [0.5, 1.0, 0.2], "relu5_1": [1.0, 0.25, 0.0]}


# Interpolation


def test_lines_between_keys_and_constant_outside(tmp_path: Path) -> None:
    result = read(tmp_path, "# interpolate: linear\nframe,strength\n3,1\n7,2\n8,0\n", range(1, 11))
    assert result["strength"] == pytest.approx([1, 1, 1, 1.25, 1.5, 1.75, 2, 0, 0, 0])


def test_keys_around_the_shot(tmp_path: Path) -> None:
    assert read(tmp_path, "# Interpolate = Linear;;\nframe;strength\n0;0\n4;4\n")["strength"] == [1, 2, 3]


def test_values_at_keys_are_exact(tmp_path: Path) -> None:
    values = {frame: (frame * 7919 % 1000) / 997 for frame in range(1, 40)}
    frames = {str(frame): {"strength": value} for frame, value in values.items()}
    result = read_json(tmp_path, {"interpolate": "linear", "frames": frames}, range(1, 40))
    assert result["strength"] == list(values.values())


def test_every_column_has_its_own_keys(tmp_path: Path) -> None:
    expected = {"strength": [1.0, 1.5, 2.0, 2.0, 2.0], "content_weight": [4.0, 4.0, 4.0, 2.0, 0.0]}
    rows = "frame,strength,content_weight\n1,1,\n3,2,4\n5,,0\n"
    assert read(tmp_path, f'"# interpolate: linear"\n{rows}', range(1, 6)) == expected
    frames = [{"frame": 1, "strength": 1, "content_weight": None}, {"frame": 3, "strength": 2, "content_weight": 4}]
    frames.append({"frame": 5, "content_weight": 0})
    assert read_json(tmp_path, {"interpolate": "linear", "frames": frames}, range(1, 6)) == expected


def test_one_key_holds_for_the_whole_shot(tmp_path: Path) -> None:
    assert read(tmp_path, "# interpolate: linear\nframe,relu1_1\n2,0.7\n") == {"layer_weights": {"relu1_1": [0.7] * 3}}


# Profiles


def test_sweep_between_profiles_is_two_rows(tmp_path: Path) -> None:
    result = read(tmp_path, "# interpolate: linear\nframe,profile\n1,fine-grain\n5,Abstract\n", range(1, 6))
    first, last = get_profile("fine-grain"), get_profile("abstract")
    assert set(result) == {"layer_weights", "content_weight"}
    assert set(MAIN_LAYERS) <= set(result["layer_weights"])
    for layer in MAIN_LAYERS:
        a, b = first.layer_weights().get(layer, 0.0), last.layer_weights().get(layer, 0.0)
        assert result["layer_weights"][layer] == pytest.approx([a, 0.75 * a + 0.25 * b, (a + b) / 2, 0.25 * a + 0.75 * b, b])
    assert result["content_weight"][0] == first.content_weight
    assert result["content_weight"][4] == last.content_weight


def test_what_a_row_says_itself_wins_over_its_profile(tmp_path: Path) -> None:
    text = "frame,profile,relu1_1,relu4_2,content_weight\n1,balanced,7,1,3\n2,balanced,,0,\n3,abstract,0,0,0\n"
    result = read(tmp_path, text)
    balanced, abstract = get_profile("balanced"), get_profile("abstract")
    assert result["layer_weights"]["relu1_1"] == [7.0, balanced.layer_weights()["relu1_1"], 0.0]
    assert result["layer_weights"]["relu4_2"] == [1.0, 0.0, 0.0]
    assert result["layer_weights"]["relu5_1"][2] == abstract.layer_weights()["relu5_1"]
    assert result["content_weight"] == [3.0, balanced.content_weight, 0.0]


def test_profiles_with_different_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that only one of two profiles uses goes from or to zero."""

    class Single:
        content_weight = 1.0

        def layer_weights(self) -> LayerWeights:
            return LayerWeights({"relu4_4": 2.0})

    monkeypatch.setitem(PROFILES, "single", Single())
    result = read(tmp_path, "# interpolate: linear\nframe,profile\n1,single\n3,balanced\n")["layer_weights"]
    assert result["relu4_4"] == [2.0, 1.0, 0.0]
    weight = get_profile("balanced").layer_weights()["relu1_1"]
    assert result["relu1_1"] == pytest.approx([0.0, weight / 2, weight])


# What can be wrong


@pytest.mark.parametrize("value", ["-1", "-0.001", "nan", "NaN", "inf", "-inf", "1e999", "abc", "1_0", "0x1", "50%", "1 2", "True"])
@pytest.mark.parametrize("column", ["relu1_1", "content_weight", "temporal_weight", "strength", "frequency_exponent", "style:a.jpg"])
def test_values_that_are_no_weights_in_csv(tmp_path: Path, column: str, value: str) -> None:
    error = error_of(tmp_path, f"# a comment\nframe,{column}\n1,1\n2,{value}\n3,1\n")
    assert error.code == ("bad_settings" if column == "frequency_exponent" else "bad_weights")
    assert "line 4" in error.message and column in error.message
    assert value.replace("1e999", "inf") in error.message


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e999", '"1"', "true", "[1]", "{}", "1" + 400 * "0"])
def test_values_that_are_no_weights_in_json(tmp_path: Path, value: str) -> None:
    error = error_of(tmp_path, f'{{"frames": {{"1": {{"relu1_1": 1}}, "2": {{"relu1_1": {value}}}}}}}', name="weights.json")
    assert error.code == "bad_weights"
    assert "frame 2" in error.message and "relu1_1" in error.message


def test_frequency_exponent_has_a_range(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame,frequency_exponent\n1,2\n2,2.5\n3,2\n")
    assert error.code == "bad_settings" and "2.5" in error.message and "line 3" in error.message


def test_all_layers_zero(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame,relu1_1,relu5_1\n1,1,0\n2,0,0\n3,0,1\n")
    assert error.code == "bad_weights" and "frame 2" in error.message and "line 3" in error.message
    error = error_of(tmp_path, "# interpolate: linear\nframe,relu1_1\n1,1\n3,0\n9,0\n", range(1, 10))
    assert error.code == "bad_weights" and "frames 3–9" in error.message
    assert read(tmp_path, "frame,relu1_1\n0,0\n1,1\n2,1\n3,1\n")  # outside the shot


def test_all_paintings_zero(tmp_path: Path) -> None:
    path = tmp_path / "weights.csv"
    path.write_text("frame,style:a.jpg,style:b.jpg\n1,1,0\n2,0,0\n3,0,1\n")
    with pytest.raises(LwswError) as raised:
        read_weights_file(path, [1, 2, 3], ["a.jpg", "b.jpg", "c.jpg"])
    error = raised.value
    assert error.code == "bad_weights" and "all paintings" in error.message and "frame 2 (line 3)" in error.message and error.hint


def test_paintings_that_nobody_gave(tmp_path: Path) -> None:
    paintings = ["a.jpg", "b.jpg"]
    path = tmp_path / "weights.csv"
    path.write_text("# blend\nframe,style:a.jpg,style:c.jpg\n1,1,1\n")
    with pytest.raises(LwswError) as raised:
        read_weights_file(path, [1], paintings)
    assert "line 2 of weights.csv" in raised.value.message and "c.jpg" in raised.value.message and "a.jpg, b.jpg" in raised.value.hint
    path.write_text('{"frames": {"1": {"style:a.jpg": 1}, "2": {"style:c.jpg": 1, "style:a.jpg": 1}}}')
    with pytest.raises(LwswError) as raised:
        read_weights_file(path, [1, 2], paintings)
    assert raised.value.code == "bad_settings" and "frame 2 of weights.csv" in raised.value.message
    path.write_text("frame,style:a.jpg\n1,1\n")
    assert read_weights_file(path, [1], paintings) == {"style_weights": {"a.jpg": [1.0]}}


@pytest.mark.parametrize("row", ["2;0,5", "2;1", "2,1;5", "2\t1"])
def test_cells_that_are_separated_otherwise_than_the_header(tmp_path: Path, row: str) -> None:
    error = error_of(tmp_path, f"frame,strength\n1,1\n{row}\n3,1\n")
    assert error.code == "bad_settings" and "Line 3" in error.message and "semicolons" in error.hint


@pytest.mark.parametrize(
    ("column", "code", "nearest"),
    [
        ("relu1_3", "unknown_layer", "relu1_"),
        ("conv4_1", "unknown_layer", "relu4_1"),
        ("relu11", "unknown_layer", "relu1_1"),
        ("contentweight", "bad_settings", "content_weight"),
        ("Stregth", "bad_settings", "strength"),
        ("style", "bad_settings", "style:NAME"),
        ("style: ", "bad_settings", "style:painting.jpg"),
        ("qqqq", "bad_settings", "Known columns"),
        ("", "bad_settings", "Known columns"),
    ],
)
def test_unknown_columns(tmp_path: Path, column: str, code: str, nearest: str) -> None:
    error = error_of(tmp_path, f"\nframe,{column},strength\n1,1,1\n2,1,1\n3,1,1\n")
    assert error.code == code and "line 2" in error.message and column.strip() in error.message
    assert nearest in error.hint
    error = error_of(tmp_path, {"frames": {"1": {"strength": 1}, "2": {column: 1}}}, name="weights.json")
    assert error.code == code and "frame 2" in error.message and nearest in error.hint


def test_unknown_profile(tmp_path: Path) -> None:
    for name in ("bold", "custom"):
        error = error_of(tmp_path, f"frame,profile\n1,balanced\n2,{name}\n3,balanced\n")
        assert error.code == "bad_settings" and "line 3" in error.message and name in error.message
        assert all(profile in error.hint for profile in PROFILES)
    assert "frame 1" in error_of(tmp_path, {"frames": {"1": {"profile": 3}}}, name="weights.json").message


def test_repetitions(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame,strength\n1,1\n2,1\n02,1\n3,1\n")
    assert error.code == "bad_settings" and all(part in error.message for part in ("Frame 2", "line 3", "line 4"))
    assert "strength" in error_of(tmp_path, "frame,strength,Strength\n1,1,1\n").message
    assert "'2'" in error_of(tmp_path, '{"frames": {"2": {"strength": 1}, "2": {"strength": 2}}}', name="weights.json").message
    assert "Frame 2" in error_of(tmp_path, '{"frames": {"2": {"strength": 1}, "02": {"strength": 2}}}', name="weights.json").message
    assert "Frame 1" in error_of(tmp_path, [{"frame": 1, "strength": 1}, {"frame": 1, "strength": 1}], name="weights.json").message
    assert "relu1_1" in error_of(tmp_path, '[{"frame": 1, "relu1_1": 1, "relu1_1": 2}]', name="weights.json").message


def test_missing_frames_are_named(tmp_path: Path) -> None:
    rows = "".join(f"{frame},1\n" for frame in (1, 2, 3, 7, 8, 10))
    error = error_of(tmp_path, f"frame,strength\n{rows}", range(1, 11))
    assert error.code == "missing_frames" and "frames 4–6, 9" in error.message
    assert "interpolate" in error.hint
    frames = {str(frame): {"strength": 1} for frame in (1, 3)}
    assert "frame 2 " in error_of(tmp_path, {"interpolate": "none", "frames": frames}, name="weights.json").message
    assert "frames 1–3" in error_of(tmp_path, "frame,strength\n0,1\n4,1\n").message  # around the shot, and still not interpolated


def test_missing_values_are_named(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame,strength,relu1_1\n1,1,1\n2,1,\n3,1,1\n")
    assert error.code == "missing_frames" and all(part in error.message for part in ("relu1_1", "frame 2", "line 3"))
    error = error_of(
        tmp_path, {"frames": {"1": {"relu1_1": 1}, "2": {"profile": "balanced"}, "3": {"profile": "balanced"}}}, name="weights.json"
    )
    assert error.code == "missing_frames" and "frame 1" in error.message and "relu2_1" in error.message
    error = error_of(tmp_path, [{"frame": 1, "strength": None}], range(1, 2), name="weights.json")
    assert error.code == "missing_frames" and "frame 1" in error.message and "strength" in error.message


@pytest.mark.parametrize("first", ["", "# interpolate: linear\n"])
def test_another_shot(tmp_path: Path, first: str) -> None:
    for frames in (range(1, 25), range(200, 210)):
        error = error_of(tmp_path, f"{first}frame,strength\n100,1\n101,1\n124,1\n", frames)
        assert error.code == "missing_frames"
        assert "100–101, 124" in error.message and f"{frames[0]}–{frames[-1]}" in error.message


@pytest.mark.parametrize("frame", ["1.5", "one", "", "nan", "1e30"])
def test_frames_that_are_no_whole_numbers(tmp_path: Path, frame: str) -> None:
    error = error_of(tmp_path, f"frame,strength\n1,1\n{frame},1\n")
    assert error.code == "bad_settings" and "line 3" in error.message and "frame" in error.message
    assert frame in error.message or frame == "1e30"
    assert error_of(tmp_path, {"frames": {frame: {"strength": 1}}}, name="weights.json").code == "bad_settings"


@pytest.mark.parametrize("frame", ["true", "null", "1.5", "[]", "NaN", '"x"', "1" + 400 * "0"])
def test_frames_that_are_no_whole_numbers_in_a_list(tmp_path: Path, frame: str) -> None:
    text = f'[{{"frame": 1, "strength": 1}}, {{"frame": {frame}, "strength": 1}}]'
    assert error_of(tmp_path, text, name="weights.json").code == "bad_settings"


def test_decimal_commas_where_commas_separate_cells(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame,strength\n1,1\n2,0,5\n3,1\n")
    assert error.code == "bad_settings" and "Line 3" in error.message and "3 cells" in error.message and "semicolons" in error.hint
    error = error_of(tmp_path, 'frame,strength\n1,1\n2,"0,5"\n3,1\n')
    assert error.code == "bad_settings" and "line 3" in error.message and "'0,5'" in error.message and "semicolons" in error.hint


def test_numbers_in_doubt(tmp_path: Path) -> None:
    error = error_of(tmp_path, "frame;strength\n1;0,5\n2;1.000\n3;1\n")
    assert error.code == "bad_settings" and "line 3" in error.message and "'1.000'" in error.message and "line 2" in error.message
    error = error_of(tmp_path, "frame;strength\n1;0,5\n2;1.000,5\n3;1\n")
    assert error.code == "bad_settings" and "line 3" in error.message and "thousands" in error.hint


@pytest.mark.parametrize("row", ["2", "2,1,1", "2,1,1,1"])
def test_rows_of_another_length(tmp_path: Path, row: str) -> None:
    error = error_of(tmp_path, f"frame,strength\n1,1\n{row}\n3,1\n")
    assert error.code == "bad_settings" and "Line 3" in error.message and f"{row.count(',') + 1} cells" in error.message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n\n",
        b"\xef\xbb\xbf",
        b"# interpolate: linear\n",
        b"frame\n1\n",
        b"frame,strength\n",
        b"relu1_1,strength\n1,1\n",
        b"a poem about a fox",
        b"frame,profile\n1,\n2,\n3,\n",
        b"# interpolate: linear\nframe,strength,relu1_1\n1,,1\n",
        b"# interpolate: cubic\nframe,strength\n1,1\n",
        b'frame,strength\n1,"1\n2,1\n',
        b'frame,"strength\n1,1\n',
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"PK\x03\x04\x00\x00",  # a spreadsheet's own format
        "frame,style:Wölfe.jpg\n1,1\n".encode("latin-1"),
        "frame,strength\n1,1\n".encode("utf-16-le"),
        b"\xff\xfef",
        b"frame" * 40_000,
        b"{",
        b"[" * 100_000,
    ],
)
def test_not_a_weights_file(tmp_path: Path, content: bytes) -> None:
    assert error_of(tmp_path, content).code == "bad_settings"


@pytest.mark.parametrize(
    "content",
    [
        "frame,strength\n1,1\n",
        "null",
        "5",
        "{}",
        "[]",
        '{"frames": {}}',
        '{"frames": 5}',
        '{"frames": {"1": 5}}',
        '{"frames": {"1": {}}}',
        '{"frames": {"1": {"frame": 1, "strength": 1}}}',
        '[{"strength": 1}]',
        "[5]",
        '{"frame": {"1": {"strength": 1}}}',
        '{"frames": {"1": {"strength": 1}}, "interpolat": "linear"}',
        '{"frames": {"1": {"strength": 1}}, "interpolate": "cubic"}',
        '{"frames": {"1": {"strength": 1}}, "interpolate": true}',
        '{"frames": {"1": {"strength": 1},}}',
    ],
)
def test_json_of_another_form(tmp_path: Path, content: str) -> None:
    assert error_of(tmp_path, content, range(1, 2), "weights.json").code == "bad_settings"


def test_place_of_a_mistake_in_json(tmp_path: Path) -> None:
    assert "Line 3" in error_of(tmp_path, '{"frames": {\n"1": {"strength": 1},\n"2" {"strength": 1}}}', name="weights.json").message


def test_line_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert "Line 3" in error_of(tmp_path, b"frame,strength\n1,1\n2,\xe4\n").message


def test_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "weights.csv", tmp_path):
        with pytest.raises(LwswError) as raised:
            read_weights_file(path, [1])
        assert raised.value.code == "bad_settings" and str(path) in raised.value.message
