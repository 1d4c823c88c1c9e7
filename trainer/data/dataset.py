"""Turns rows into what TRL trains on: a conversation with an image, and the columns that its reward needs."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from datasets import Dataset, Features, Image, List, Value
from transformers import ProcessorMixin

from trainer.config import ModelConfig
from trainer.coordinates import box_options
from trainer.data.rows import Row

RowOptions = Mapping[str, Mapping[str, object]]
"""Options of one row by the service's task name; only those of the task that scores the row are sent."""


class Part(TypedDict):
    """A part of a message; an image part has no text, its picture is in the row's image column."""

    type: Literal["text", "image"]
    text: str | None


class Message(TypedDict):
    """A message of a conversation."""

    role: Literal["system", "user"]
    content: list[Part]


_FEATURES = Features(
    {
        "prompt": List(
            {"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})}
        ),
        "image": Image(mode="RGB"),
        "reference": Value("string"),
        "task": Value("string"),
        "format": Value("string"),
        "row_id": Value("string"),
        "row_options": Value("string"),
    }
)


def conversation(row: Row, settings: ModelConfig) -> list[Message]:
    """Return the prompt of a row: the system prompt if there is one, then question and image.

    `settings.image_position` puts the image before the question (as Qwen was trained) or after it.
    """
    question, image = Part(type="text", text=row.problem), Part(type="image", text=None)
    content = [image, question] if settings.image_position == "before" else [question, image]
    user = Message(role="user", content=content)
    if settings.system_prompt is None:
        return [user]
    return [Message(role="system", content=[Part(type="text", text=settings.system_prompt)]), user]


def row_options(row: Row, settings: ModelConfig, processor: ProcessorMixin) -> RowOptions:
    """Return what the service must know beside the reference: texts of the choices, coordinates of boxes."""
    options: dict[str, Mapping[str, object]] = {}
    if row.choices is not None:
        options["choice"] = {"choices": dict(row.choices)}
    boxes = box_options(settings.coordinates, processor, row.image_size)
    if boxes:
        options["grounding"] = boxes
    return options


def make_dataset(rows: Sequence[Row], settings: ModelConfig, processor: ProcessorMixin) -> Dataset:
    """Return a dataset in the order of `rows`; images are decoded when a row is read.

    Columns: prompt, image, reference, task, format, row_id, row_options (JSON text of RowOptions).
    """
    columns = {
        "prompt": [conversation(row, settings) for row in rows],
        "image": [str(row.image) for row in rows],
        "reference": [row.solution for row in rows],
        "task": [row.task for row in rows],
        "format": [row.format for row in rows],
        "row_id": [row.id for row in rows],
        "row_options": [json.dumps(row_options(row, settings, processor)) for row in rows],
    }
    return Dataset.from_dict(columns, features=_FEATURES)
