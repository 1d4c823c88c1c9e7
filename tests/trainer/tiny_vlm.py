"""A vision-language model that trains in seconds, with images, rows and a run configuration to go with it.

It is Idefics3 with random weights and 20 words, so that some of its random answers are right and GRPO has
something to reinforce.
"""

import json
from pathlib import Path

import torch
import yaml
from PIL import Image
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

SPECIAL = ("<pad>", "<unk>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>")
WORDS = (
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "yes",
    "no",
    "A",
    "B",
    "C",
    "red",
    "green",
    "is",
    "it",
    "?",
)
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance>{% endfor %}"
)
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30)}


def save_tiny_vlm(folder: Path, seed: int = 0) -> Path:
    """Write model and processor into `folder`; the same seed gives the same weights."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    text = {
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": True,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 16,
        "patch_size": 8,
    }
    config = Idefics3Config(
        text_config=text,
        vision_config=vision,
        scale_factor=2,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    images = Idefics3ImageProcessorPil(
        do_image_splitting=False, size={"longest_edge": 16}, max_image_size={"longest_edge": 16}
    )
    Idefics3Processor(images, tokenizer, image_seq_len=1, chat_template=TEMPLATE).save_pretrained(folder)
    return folder


def save_rows(folder: Path, form: str = "binary", count: int = 24) -> Path:
    """Write `count` rows of a format (binary or choice) with their images; return the JSONL file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (16, 16), colour).save(folder / f"{name}.png")
    file = folder / f"{form}.jsonl"
    file.write_text("".join(json.dumps(_row(form, n)) + "\n" for n in range(count)), encoding="utf-8")
    return file


def save_config(folder: Path, url: str, **changes: object) -> Path:
    """Write a run of two short stages, with model and rows, into `folder`; return the configuration file."""
    save_tiny_vlm(folder / "model")
    sources = {form: str(save_rows(folder / "data", form)) for form in ("binary", "choice")}
    stages = [
        {"name": form, "format": form, "data": [{"path": path}], "max_steps": 6}
        for form, path in sources.items()
    ]
    config = {
        "name": "tiny",
        "output_dir": str(folder / "run"),
        "seed": 7,
        "model": {"path": str(folder / "model")},
        "reward": {"url": url, "profile": "default", "retry_budget_s": 1},
        "grpo": {
            "learning_rate": 1e-2,
            "per_device_train_batch_size": 16,
            "num_generations": 4,
            "max_completion_length": 3,
        },
        "stages": stages,
        "save_steps": 2,
    }
    file = folder / "tiny.yaml"
    file.write_text(yaml.safe_dump({**config, **changes}), encoding="utf-8")
    return file


def _tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: n for n, word in enumerate((*SPECIAL, *WORDS))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"</?(?:think|answer)>|\?"), "isolated"),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="<end_of_utterance>",
        extra_special_tokens=list(SPECIAL[3:]),
        padding_side="left",
    )


def _row(form: str, number: int) -> dict[str, object]:
    image, asked = (("red", "green")[n % 2] for n in (number, number // 2))
    row: dict[str, object] = {
        "id": f"{form}-{number}",
        "task": "classify",
        "format": form,
        "image": f"{image}.png",
    }
    if form == "binary":
        return row | {"problem": f"is it {asked} ?", "solution": "yes" if image == asked else "no"}
    choices = {"A": "red", "B": "green"}
    return row | {
        "problem": "A red B green ?",
        "choices": choices,
        "solution": "A" if image == "red" else "B",
    }
