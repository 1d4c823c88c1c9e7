"""Draws the examples of docs/data.md: `python -m trainer.data.contact_sheet docs/data-examples.png`."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from trainer.data.families import FAMILIES, Format, ask, reply
from trainer.data.generate import SETS
from trainer.data.scenes import CANVAS, draw_scene

_ZOOM = 4
_COLUMNS = 4
_MARGIN = 12
_TEXT_HEIGHT = 3 * 14 + 10
_HEADING = 22
_FORM: Format = "open"


def contact_sheet(seed: int) -> Image.Image:
    """Return one row of scenes per set, each with its three open questions, answers."""
    cell = CANVAS * _ZOOM
    width = _MARGIN + _COLUMNS * (cell + _MARGIN)
    height = len(SETS) * (_HEADING + cell + _TEXT_HEIGHT) + _MARGIN
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (name, plan) in enumerate(SETS.items()):
        rng = np.random.default_rng([seed, place])
        top = place * (_HEADING + cell + _TEXT_HEIGHT) + _MARGIN // 2
        pen.text((_MARGIN, top), f"{name} (scans: {plan.split})", fill="black")
        for column in range(_COLUMNS):
            scene = draw_scene(rng, plan.style, plan.split)
            corner = (_MARGIN + column * (cell + _MARGIN), top + _HEADING)
            sheet.paste(scene.image.resize((cell, cell), Image.Resampling.NEAREST), corner)
            for line, family in enumerate(FAMILIES):
                question = ask(scene, family, _FORM, rng)
                text = f"{_short(question.text)} {reply(question, scene.things).answer}"
                pen.text((corner[0], corner[1] + cell + 4 + 14 * line), text, fill="black")
    return sheet


def _short(question: str) -> str:
    return question.removeprefix("What is the ").capitalize()


if __name__ == "__main__":
    contact_sheet(seed=0).save(Path(sys.argv[1]), optimize=True)
