import json
from pathlib import Path

import pytest
from PIL import Image

from trainer.data.families import FAMILIES, FORMATS
from trainer.data.generate import SETS, generate

SIZES = dict.fromkeys(SETS, 2)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    generate(tmp_path / "a", 7, SIZES)
    generate(tmp_path / "b", 7, SIZES)
    generate(tmp_path / "c", 8, SIZES)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_every_set_has_three_files_whose_rows_name_their_picture(tmp_path):
    generate(tmp_path, 0, SIZES)
    for name in SETS:
        for form in FORMATS:
            path = tmp_path / name / f"{form}.jsonl"
            rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            assert [row["task"] for row in rows] == list(FAMILIES) * 2
            assert all(row["format"] == form for row in rows)
            assert all(row["solution"].startswith("<answer>") for row in rows)
            assert all(("choices" in row) == (form == "choice") for row in rows)
            for row in rows:
                with Image.open(path.parent / row["image"]) as picture:
                    assert picture.mode == "RGB"


def test_ids_are_unique(tmp_path):
    generate(tmp_path, 0, SIZES)
    ids = [
        json.loads(line)["id"]
        for path in tmp_path.rglob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(set(ids)) == len(ids)


def test_a_set_starts_the_same_whatever_its_size(tmp_path):
    generate(tmp_path / "small", 3, {**SIZES, "train": 0, "test": 1})
    generate(tmp_path / "large", 3, {**SIZES, "train": 2, "test": 4})
    small = (tmp_path / "small/test/open.jsonl").read_text(encoding="utf-8")
    assert (tmp_path / "large/test/open.jsonl").read_text(encoding="utf-8").startswith(small)
    assert not (tmp_path / "small/train").exists()


def test_progress_hears_every_scene(tmp_path):
    heard = []
    generate(tmp_path, 0, SIZES, lambda done, total: heard.append((done, total)))
    assert heard == [(n + 1, 10) for n in range(10)]


@pytest.mark.parametrize(("sizes", "named"), [({"nowhere": 1}, "nowhere"), ({"test": -1}, "-1")])
def test_bad_sizes_are_refused_before_anything_is_written(tmp_path, sizes, named):
    with pytest.raises(ValueError, match=named):
        generate(tmp_path / "out", 0, sizes)
    assert not (tmp_path / "out").exists()
