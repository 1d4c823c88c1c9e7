"""The base model's processor: a word-level tokenizer and Idefics3's image processor.

Every word is one token, and so are the numbers 0 to 63 and each punctuation mark. The tags of the reply
(`<think>`, `</think>`, `<answer>`, `</answer>`) are ordinary tokens, because trainers strip special tokens
before a reward sees the text.
"""

from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import Idefics3Processor, PreTrainedTokenizerFast
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from trainer.data.digits import DIGIT_WORDS
from trainer.data.scenes import CANVAS, COLOURS, SHAPES

PATCH = 12
"""Side of a vision patch in pixels."""

SHUFFLE = 1
"""Idefics3's scale factor: one image token stands for SHUFFLE x SHUFFLE patches."""

GRID = CANVAS // (PATCH * SHUFFLE)
"""Image tokens per side."""

PAD, UNKNOWN, END = "<pad>", "<unk>", "<end_of_utterance>"
TAGS = ("<think>", "</think>", "<answer>", "</answer>")

_IMAGE = ("<fake_token_around_image>", "<image>", "<global-img>")
_SPECIAL = (PAD, UNKNOWN, END, *_IMAGE, "<user>", "<assistant>")
_PUNCTUATION = tuple("[],?.:")
_LARGEST_NUMBER = 63
_WORDS = (
    *("Where", "Which", "What", "Is", "is", "are", "the", "there", "a", "at", "box", "sum", "of", "digits"),
    *("and", "plus", "nothing", "none", "yes", "no", "List", "all", "things", "A", "B", "C", "D"),
)

_CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<assistant>{% else %}<user>{% endif %}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<end_of_utterance>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer; a word it does not know becomes `<unk>`."""
    words = (*_SPECIAL, *TAGS, *_PUNCTUATION, *COLOURS, *SHAPES, *DIGIT_WORDS, *_WORDS)
    numbers = tuple(str(n) for n in range(_LARGEST_NUMBER + 1))
    vocabulary = {word: index for index, word in enumerate((*words, *numbers))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"</?(?:think|answer)>|[\[\],?.:]"), "isolated"),
        ]
    )
    inner.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token=PAD,
        unk_token=UNKNOWN,
        eos_token=END,
        extra_special_tokens=list(_SPECIAL[3:]),
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_processor() -> Idefics3Processor:
    """Return the processor: images are scaled to the canvas and never split into tiles."""
    image_processor = Idefics3ImageProcessorPil(
        do_image_splitting=False,
        size={"longest_edge": CANVAS},
        max_image_size={"longest_edge": CANVAS},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.5, 0.5, 0.5],
    )
    return Idefics3Processor(
        image_processor, build_tokenizer(), image_seq_len=GRID**2, chat_template=_CHAT_TEMPLATE
    )


def save_processor(folder: Path) -> None:
    """Write the processor's files into `folder`."""
    build_processor().save_pretrained(folder)
