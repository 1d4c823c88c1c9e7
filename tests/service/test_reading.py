"""How the answer is found in a completion."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.rewards.reading import read, read_reference, text_of

unhurried = settings(deadline=None)  # the machine may be busy
CASES = json.loads((Path(__file__).parents[1] / "cases" / "reading.json").read_text())
TAGS = [
    "<think>",
    "</think>",
    "<thinking>",
    "<answer>",
    "</answer>",
    "</s>",
    "A",
    "B",
    " ",
    "\n",
    "<",
    "\ud800",
]
tagged = st.lists(st.sampled_from(TAGS), max_size=14).map("".join)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_golden_readings(case):
    reading = read(case["completion"])
    assert (reading.answer, reading.source, reading.formatted) == (
        case["answer"],
        case["source"],
        case["format"],
    )


@unhurried
@given(tagged | st.text(st.characters()))
def test_any_text_is_read_as_valid_stripped_unicode(text):
    reading = read(text)
    assert reading.answer == reading.answer.strip()
    reading.answer.encode()


@unhurried
@given(st.text(), st.lists(st.sampled_from(["<answer>", "</answer>", "A", "\n"])).map("".join))
def test_what_the_reasoning_says_never_changes_the_answer(answer, thought):
    for tail in (f"<answer>{answer.replace('<', '')}</answer>", f"<answer>{answer.replace('<', '')}", "B"):
        assert read(f"<think>{thought}</think>{tail}").answer == read(f"<think></think>{tail}").answer


@unhurried
@given(tagged)
def test_nothing_after_an_unclosed_think_is_read(text):
    without_end = text.replace("</think>", "").replace("</s>", "")
    assert "B" not in read("<think>" + without_end).answer


@unhurried
@given(tagged)
def test_formatted_means_exactly_one_block_of_each(text):
    if read(text).formatted:
        assert [text.count(tag) for tag in ("<think>", "</think>", "<answer>", "</answer>")] == [1, 1, 1, 1]
        assert read(text).source == "answer"


TAG_RUNS = [
    "<answer>",
    "</answer>",
    "<think>",
    "</think>",
    "<think></think>",
    "<answer></answer>",
    "<think><answer>",
]
OTHER_RUNS = ["<", "</answe", " ", "<|im_end|>", "</s> ", "\u0301\u0323", "\ud800", "\0"]


@pytest.mark.parametrize("unit", [*TAG_RUNS, *OTHER_RUNS], ids=ascii)
def test_a_megabyte_of_hostile_text_is_read(unit):
    reading = read(unit * (1_000_000 // len(unit)))
    assert not reading.formatted


def test_the_last_assistant_message_is_the_completion():
    parts = [{"type": "text", "text": "B"}, {"type": "image", "url": "x"}, {"type": "text", "text": "C"}]
    conversation = [
        {"role": "assistant", "content": "A"},
        {"role": "assistant", "content": parts},
        {"role": "user"},
    ]
    assert text_of("A") == "A"
    assert text_of(conversation) == "BC"
    assert text_of(conversation[:1]) == "A"
    assert text_of(conversation[2:]) == ""
    assert text_of([{"role": "assistant", "content": None}]) == ""


def test_a_reference_in_answer_tags_is_read_as_its_answer():
    assert read_reference("<thinking>why</thinking><answer> 42 </answer>") == "42"
    assert read_reference("  42\n") == "42"
    assert read_reference("<answer>42") == "<answer>42"
