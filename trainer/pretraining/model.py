"""The base model's architecture: Idefics3 as transformers has it, about a million parameters."""

import torch
from transformers import Idefics3Config, Idefics3ForConditionalGeneration
from transformers import PreTrainedTokenizerBase as Tokenizer

from trainer.data.scenes import CANVAS
from trainer.pretraining.processor import PATCH, SHUFFLE

WIDTH = 128
"""Width of the vision tower and of the language model."""

_HEADS = 4
_INITIAL_STD = WIDTH**-0.5


def build_model(tokenizer: Tokenizer, seed: int) -> Idefics3ForConditionalGeneration:
    """Return a model with random weights drawn from `seed`."""
    torch.manual_seed(seed)
    config = Idefics3Config(
        vision_config={
            "hidden_size": WIDTH,
            "intermediate_size": 3 * WIDTH,
            "num_hidden_layers": 3,
            "num_attention_heads": _HEADS,
            "image_size": CANVAS,
            "patch_size": PATCH,
            "initializer_range": _INITIAL_STD,
        },
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": WIDTH,
            "intermediate_size": 3 * WIDTH,
            "num_hidden_layers": 3,
            "num_attention_heads": _HEADS,
            "num_key_value_heads": _HEADS,
            "max_position_embeddings": 512,
            "initializer_range": _INITIAL_STD,
            "rms_norm_eps": 1e-5,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": True,
        },
        scale_factor=SHUFFLE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=_INITIAL_STD,
    )
    config._attn_implementation = "sdpa"
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    return model
