"""Rows: Curr-ReFT's layout, mixture lists, sampling, and errors that name file and line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trainer.config import DataSource
from trainer.data.generate import generate
from trainer.data.rows import Row, load_rows
from trainer.data.sampling import chosen, parse_sampling
from trainer.errors import DataError

GOOD = {
    "problem": "Where is the dog?",
    "solution": "<answer>[1, 2, 3, 4]</answer>",
    "task": "detection",
    "image": "a.png",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    return tmp_path


def write(folder: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    path = folder / name
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(path: Path, **source: object) -> list[Row]:
    return load_rows([DataSource(path=path, **source)], "open", seed=0)


def test_a_curr_reft_row_is_read_with_its_place_and_image_size(folder: Path) -> None:
    (row,) = load(write(folder, GOOD))
    assert row == Row(
        id="rows:1",
        problem="Where is the dog?",
        solution="<answer>[1, 2, 3, 4]</answer>",
        task="detection",
        image=folder / "a.png",
        image_size=(40, 30),
        format="open",
        choices=None,
        source=f"{folder / 'rows.jsonl'}:1",
    )


def test_optional_fields_are_read(folder: Path) -> None:
    listed = GOOD | {"id": "x", "format": "choice", "choices": ["a red car", "a dog"]}
    lettered = GOOD | {"id": 7, "choices": {"A": "one", "C": "three"}}
    first, second = load(write(folder, listed, "", lettered))
    assert (first.id, first.format, first.choices) == ("x", "choice", {"A": "a red car", "B": "a dog"})
    assert (second.id, second.format, second.choices) == ("7", "open", {"A": "one", "C": "three"})
    assert second.source.endswith(":3"), "blank lines count in line numbers"


def test_an_image_placeholder_in_the_problem_is_dropped(folder: Path) -> None:
    (row,) = load(write(folder, GOOD | {"problem": "<image>\nWhere is the dog?"}))
    assert row.problem == "Where is the dog?"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ('{"problem": ', "not JSON"),
        ("[1]", "expected a JSON object, got list"),
        ({k: v for k, v in GOOD.items() if k != "solution"}, "no solution"),
        (GOOD | {"solution": " "}, "solution must be a non-empty string"),
        (GOOD | {"solution": 12}, "solution must be a non-empty string"),
        ({k: v for k, v in GOOD.items() if k != "image"}, "no image"),
        (GOOD | {"image": "gone.png"}, "gone.png cannot be read: there is no such file"),
        (GOOD | {"image": "broken.png"}, "broken.png cannot be read"),
        (GOOD | {"image": "cut.jpg"}, "cut.jpg cannot be read"),
        (GOOD | {"task": "poetry"}, "unknown task 'poetry'; expected one of classify, coco_vqa"),
        (GOOD | {"format": "essay"}, "format is one of binary, choice, open, got 'essay'"),
        (GOOD | {"choices": "A or B"}, "choices must be"),
        (GOOD | {"choices": [1, 2]}, "choices must be"),
    ],
)
def test_a_faulty_row_is_named_by_file_and_line(folder: Path, row: object, complaint: str) -> None:
    (folder / "broken.png").write_bytes(b"not an image")
    Image.effect_noise((64, 64), 90).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-900])
    path = write(folder, GOOD, row)
    with pytest.raises(DataError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}:2: ")
    assert complaint in text
    assert "\n" not in text


def test_a_task_with_a_route_of_its_own_is_known(folder: Path) -> None:
    path = write(folder, GOOD | {"task": "counting"})
    (row,) = load_rows([DataSource(path=path)], "open", 0, tasks={"counting": None})
    assert row.task == "counting"


def test_an_id_given_twice_names_both_lines(folder: Path) -> None:
    path = write(folder, GOOD | {"id": "x"}, GOOD, GOOD | {"id": "x"})
    with pytest.raises(DataError, match=r"rows\.jsonl:3: id 'x' is that of .*rows\.jsonl:1 too"):
        load(path)


def test_a_missing_or_empty_file_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jsonl: there is no such file"):
        load(folder / "gone.jsonl")
    with pytest.raises(DataError, match="holds no rows"):
        load(write(folder, ""))


def test_a_row_outside_the_sample_is_not_read(folder: Path) -> None:
    assert len(load(write(folder, GOOD, "broken"), sample="first:1")) == 1


def test_a_weight_counts_rows_several_times_or_in_part(folder: Path) -> None:
    path = write(folder, *[GOOD] * 10)
    assert len(load(path, weight=2.5)) == 25
    half = load(path, weight=0.5)
    assert len({row.id for row in half}) == 5
    assert load(path, weight=0.5) == half


def test_a_mixture_list_takes_each_file_by_its_strategy(folder: Path) -> None:
    (folder / "data").mkdir()
    write(folder / "data", *[GOOD | {"image": "a.png"}] * 5, name="one.jsonl")
    write(folder / "data", *[GOOD | {"image": "../a.png"}] * 5, name="two.jsonl")
    mixture = folder / "mix.yaml"
    mixture.write_text(
        "datasets:\n"
        "  - {json_path: data/one.jsonl, sampling_strategy: 'end:2', data_root: .}\n"
        "  - json_path: data/two.jsonl\n    sampling_strategy: first:40%\n",
        encoding="utf-8",
    )
    assert [row.id for row in load(mixture)] == ["one:4", "one:5", "two:1", "two:2"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("datasets: [", "not YAML"),
        ("rows: []", "expected a mixture list"),
        ("datasets: [{path: x}]", r"datasets\[0\]: expected a mapping with json_path"),
        ("datasets: [{json_path: x, rows: 1}]", r"datasets\[0\]: unknown fields rows"),
        (
            "datasets: [{json_path: x, sampling_strategy: 'some:1'}]",
            r"datasets\[0\]: sampling strategy: expected",
        ),
    ],
)
def test_a_faulty_mixture_list_names_the_entry(folder: Path, text: str, complaint: str) -> None:
    (folder / "mix.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=complaint):
        load(folder / "mix.yaml")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (None, range(10)),
        ("all", range(10)),
        ("first:3", range(3)),
        ("first:10%", range(1)),
        ("first:25%", range(3)),
        ("end:3", range(7, 10)),
        ("first:99", range(10)),
        ("100%", range(10)),
    ],
)
def test_a_strategy_takes_the_rows_it_says(strategy: str | None, expected: range) -> None:
    assert chosen(parse_sampling(strategy), 10, "0") == list(expected)


@pytest.mark.parametrize(
    "text", ["", "first", "first:0", "first:-1", "last:3", "12", "first:1.5", "101%", "random:x"]
)
def test_an_unknown_strategy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected all, first:N"):
        parse_sampling(text)


@given(size=st.integers(1, 300), amount=st.integers(1, 400), seed=st.text(max_size=5))
def test_a_random_sample_is_a_set_of_rows_decided_by_the_seed(size: int, amount: int, seed: str) -> None:
    sampling = parse_sampling(f"random:{amount}")
    places = chosen(sampling, size, seed)
    assert len(set(places)) == len(places) == min(size, amount)
    assert places == sorted(places) == chosen(sampling, size, seed)
    assert set(places) <= set(range(size))


def test_the_generated_benchmark_loads(tmp_path: Path) -> None:
    generate(
        tmp_path, seed=0, sizes={"train": 3, "test": 0, "ood-more": 0, "ood-small": 0, "ood-background": 0}
    )
    rows = load(tmp_path / "train/choice.jsonl")
    assert len(rows) == 9
    assert {row.format for row in rows} == {"choice"}
    assert all(row.choices and row.image_size == (48, 48) for row in rows)
