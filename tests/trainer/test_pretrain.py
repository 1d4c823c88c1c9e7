import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor, Idefics3Processor

import trainer
from trainer.data.families import FAMILIES, FORMATS, ask, reply
from trainer.data.generate import generate
from trainer.data.scenes import SceneStyle, draw_scene
from trainer.pretrain import Plan, pretrain
from trainer.pretraining.distortion import NONE, Distortion, distort, misread
from trainer.pretraining.lessons import completion
from trainer.pretraining.processor import TAGS, UNKNOWN, build_processor
from trainer.pretraining.vision import Phase

SHIPPED = Path(trainer.__file__).parent / "demo_model"
TINY = Plan(20, *(Phase(steps=2, batch=4, rate=1e-3) for _ in range(4)))
WELL_FORMED = re.compile(r"<think> \S.*? </think> <answer> \S.*? </answer>")


@pytest.fixture(scope="module")
def processor() -> Idefics3Processor:
    return build_processor()


def test_the_same_seed_gives_the_same_weights(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        pretrain(tmp_path / name, seed, plan=TINY)
    a, b, c = (load_file(tmp_path / name / "model.safetensors") for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert not all(torch.equal(a[key], c[key]) for key in a)


def test_progress_hears_every_phase_to_its_end(tmp_path):
    heard = {}
    pretrain(tmp_path, 0, lambda phase, done, total, loss: heard.update({phase: (done, total)}), TINY)
    assert heard == {"scenes": (20, 20), **dict.fromkeys(("vision", "language", "practice", "noise"), (2, 2))}


def test_every_word_of_questions_and_replies_is_known(processor):
    rng = np.random.default_rng(0)
    for _ in range(150):
        scene = draw_scene(rng, SceneStyle(), "train")
        for family in FAMILIES:
            for form in FORMATS:
                question = ask(scene, family, form, rng)
                for text in (question.text, completion(reply(question, scene.things))):
                    assert UNKNOWN not in processor.tokenizer.tokenize(text), text


def test_tags_survive_decoding_without_special_tokens_and_boxes_read_as_json(processor):
    text = "<think> red circle at 3 7 20 24 </think> <answer> [3, 7, 20, 24] </answer><end_of_utterance>"
    decoded = processor.decode(processor.tokenizer(text)["input_ids"], skip_special_tokens=True)
    assert all(tag in decoded for tag in TAGS)
    assert json.loads(re.search(r"\[.*\]", decoded)[0]) == [3, 7, 20, 24]
    assert "end_of_utterance" not in decoded


def test_the_question_stands_before_the_picture(processor):
    content = [{"type": "text", "text": "Which digits are there?"}, {"type": "image"}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    assert prompt == "<user>Which digits are there?<image><end_of_utterance><assistant>"


def test_distortion_off_changes_nothing_and_on_keeps_names_and_a_digit():
    rng = np.random.default_rng(0)
    wild = Distortion(cut_short=1.0, moved_by=6.0, swapped=0.5, misread=0.9, missed=1.0)
    for _ in range(50):
        things = draw_scene(rng, SceneStyle(), "train").things
        assert distort(things, NONE, rng) == misread(things, NONE, rng) == things
        assert [t.name for t in distort(things, wild, rng)] == [t.name for t in things]
        assert all(t.box[0] < t.box[2] and t.box[1] < t.box[3] for t in distort(things, wild, rng))
        assert any(t.value is not None for t in misread(things, wild, rng))


@pytest.fixture(scope="module")
def shipped_replies(tmp_path_factory) -> list[tuple[dict[str, str], str]]:
    folder = tmp_path_factory.mktemp("benchmark")
    generate(folder, 11, {"train": 0, "ood-more": 0, "ood-small": 0, "ood-background": 0, "test": 30})
    lines = (folder / "test/open.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    model = AutoModelForImageTextToText.from_pretrained(SHIPPED)
    reader = AutoProcessor.from_pretrained(SHIPPED)
    assert model.dtype == torch.float32
    contents = [[{"type": "text", "text": row["problem"]}, {"type": "image"}] for row in rows]
    prompts = [
        reader.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        for content in contents
    ]
    pictures = [[Image.open(folder / "test" / row["image"])] for row in rows]
    inputs = reader(text=prompts, images=pictures, return_tensors="pt", padding=True)
    tokens = model.generate(**inputs, max_new_tokens=32, do_sample=False)
    texts = reader.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return list(zip(rows, texts, strict=True))


def test_the_shipped_model_mostly_keeps_the_format(shipped_replies):
    share = sum(bool(WELL_FORMED.fullmatch(text)) for _, text in shipped_replies) / len(shipped_replies)
    assert share > 0.7


def test_the_shipped_model_names_digits_far_above_chance(shipped_replies):
    hits = [
        text.split("<answer>")[-1].split("</answer>")[0].split()[:1] == row["solution"][8:-9].split(", ")[:1]
        for row, text in shipped_replies
        if row["task"] == "classify"
    ]
    assert sum(hits) / len(hits) > 0.3


def test_the_shipped_model_fits_the_repository():
    assert (SHIPPED / "model.safetensors").stat().st_size < 4_000_000
    assert (SHIPPED / "README.md").is_file()
