"""The report: plain verdicts, nothing from outside, nothing unescaped, and useful on unfinished runs."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.trainer.run_folders import HOSTILE, record, write_run
from trainer.errors import DataError
from trainer.examples import choose_examples
from trainer.plots import moving_mean
from trainer.report import write_report
from trainer.results import Evaluation
from trainer.verdicts import headlines, set_verdicts


class Page(HTMLParser):
    """Collects what a browser would see: tags, what they load, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href", "data"}]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("run") / "run")
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(finished: Path) -> Page:
    return Page((finished / "report.html").read_text(encoding="utf-8"))


def test_the_page_loads_nothing_from_elsewhere(page: Page, finished: Path) -> None:
    assert all(value.startswith(("data:image/", "#")) for value in page.loaded)
    assert not {"link", "script", "iframe", "object", "base"} & set(page.tags)
    assert "@import" not in (finished / "report.html").read_text(encoding="utf-8")


def test_what_a_model_or_a_file_said_is_escaped(page: Page, finished: Path) -> None:
    assert "<script" not in (finished / "report.html").read_text(encoding="utf-8")
    assert HOSTILE in page.text


def test_the_page_opens_with_the_verdict_of_each_domain_and_set(page: Page) -> None:
    text = " ".join(page.text.split())
    first = text.index("Open-ended questions, in domain: accuracy rose: 0.29 before")
    assert (
        first
        < text.index("Open-ended questions, out of domain: accuracy rose")
        < text.index("Learning curves")
    )
    for name in ("test-open (open, in domain)", "ood-open (open, out of domain)"):
        assert re.search(re.escape(name) + r": accuracy rose: 0\.\d\d before, 0\.\d\d after", text)


def test_all_parts_of_a_finished_run_are_there(page: Page) -> None:
    for part in ("Learning curves", "Evaluation", "Boxes before and after", "Sample rollouts", "The run"):
        assert part in page.text
    for fact in ("trainer 0.1.0, trl", "60 steps, 30 s", "2.0 %", "sha256:00", "none: not scored"):
        assert fact in page.text
    assert page.tags.count("figure") == 8
    assert page.tags.count("rect") >= 32


def test_the_picture_is_an_image_of_its_own(finished: Path) -> None:
    with Image.open(finished / "report.png") as picture:
        assert picture.size[0] == 1320


@pytest.mark.parametrize(
    ("before", "after", "direction", "words"),
    [
        (0.3, 0.6, "better", "accuracy rose: 0.30 before, 0.60 after, a difference of +0.30"),
        (0.6, 0.3, "worse", "accuracy fell: 0.60 before, 0.30 after, a difference of -0.30"),
        (0.5, 0.5, "unclear", "did not clearly change"),
    ],
)
def test_gains_and_losses_are_said_alike(before: float, after: float, direction: str, words: str) -> None:
    old, new = (
        Evaluation(label, "m", {}, tuple(record(n, value) for n in range(9)))
        for label, value in (("base", before), ("final", after))
    )
    for verdict in (*headlines(old, new), *set_verdicts(old, new)):
        assert verdict.direction == direction
        assert words in verdict.sentence


def test_a_change_within_its_interval_is_no_gain() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((2, 40))
    old, new = (
        Evaluation(label, "m", {}, tuple(record(n, float(v)) for n, v in enumerate(own)))
        for label, own in zip(("base", "final"), values, strict=True)
    )
    (verdict,) = set_verdicts(old, new)
    assert verdict.direction == "unclear"


def test_items_that_were_not_scored_leave_the_comparison() -> None:
    old = Evaluation("base", "m", {}, (record(1, 0.5), record(2, None), record(3, 0.5)))
    new = Evaluation("final", "m", {}, (record(1, 0.5), record(2, 1.0), record(3, None)))
    (verdict,) = set_verdicts(old, new)
    assert "over the same 1 items" in verdict.sentence
    assert "0.50 before, 0.50 after" in verdict.sentence
    nothing = Evaluation("final", "m", {}, (record(1, None),))
    assert set_verdicts(old, nothing)[0].sentence == "no item was scored for both models."


@pytest.mark.parametrize(
    "missing", ["metrics.jsonl", "evaluation/final.json", "evaluation/base.json", "versions.json"]
)
def test_an_unfinished_run_has_a_report_too(tmp_path: Path, missing: str) -> None:
    folder = write_run(tmp_path / "run", items=5)
    (folder / missing).unlink()
    text = write_report(folder).read_text(encoding="utf-8")
    assert ("There is no verdict yet" in text) == ("evaluation" in missing)
    assert ("No training step has been logged yet" in text) == (missing == "metrics.jsonl")
    assert (folder / "report.png").is_file()


def test_a_line_that_a_kill_cut_off_is_left_out(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", items=5)
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"stage": "open", "rew')
    assert "60 steps" in write_report(folder).read_text(encoding="utf-8")


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a run folder"):
        write_report(tmp_path)


def test_an_image_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", items=5)
    (folder / "images/0.png").unlink()
    assert "Boxes before and after" not in write_report(folder).read_text(encoding="utf-8")


def test_examples_are_the_first_of_each_set_whatever_they_scored() -> None:
    assert choose_examples(Evaluation("base", "m", {}, ()), Evaluation("final", "m", {}, ())) == []


def test_the_moving_mean_leaves_unknown_steps_out() -> None:
    values = np.array([1.0, np.nan, 3.0, 5.0])
    assert moving_mean(values, 2).tolist() == [1.0, 1.0, 3.0, 4.0]
    assert np.isnan(moving_mean(np.array([np.nan]), 2)).all()
