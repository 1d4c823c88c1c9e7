"""Pictures for the report: the first detection items of each set with the boxes of base and final model."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from trainer.results import Domain, Evaluation, Record

PER_SET = 4
_LARGEST_SIDE = 480  # pixels; a larger picture is shrunk for the report, its boxes are drawn to scale


@dataclass(frozen=True, slots=True)
class Example:
    """One image with what base and final model answered; boxes are in its original `width` x `height`."""

    set: str
    domain: Domain
    problem: str
    picture: Image.Image
    width: int
    height: int
    base: Record
    final: Record

    @property
    def uri(self) -> str:
        """The picture as a data URI."""
        buffer = io.BytesIO()
        kind = "PNG" if max(self.picture.size) <= 128 else "JPEG"  # small drawn scenes stay exact
        self.picture.save(buffer, kind)
        return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def choose_examples(base: Evaluation, final: Evaluation, per_set: int = PER_SET) -> list[Example]:
    """Return the first `per_set` items of each set with reference boxes: in file order, not picked by result.

    An item whose image is no longer there is passed over.
    """
    after = {(r.set, r.id): r for r in final.records}
    chosen: dict[str, list[Example]] = {}
    for record in base.records:
        own = chosen.setdefault(record.set, [])
        pair = after.get((record.set, record.id))
        if len(own) < per_set and record.reference_boxes and pair is not None:
            own.extend(_example(record, pair))
    return [example for own in chosen.values() for example in own]


def _example(base: Record, final: Record) -> Sequence[Example]:
    path = Path(base.image)
    if not path.is_file():
        return []
    with Image.open(path) as file:
        picture = file.convert("RGB")
    width, height = picture.size
    picture.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE))
    return [Example(base.set, base.domain, base.problem, picture, width, height, base, final)]
