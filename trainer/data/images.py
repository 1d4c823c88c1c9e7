"""Reads images once before training, so that a broken file is found before a model loads."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

Size = tuple[int, int]
"""Width and height in pixels."""

_THREADS = 8  # PIL releases the interpreter while it decodes


def measure_images(paths: Iterable[Path]) -> Mapping[Path, Size | str]:
    """Decode every image once; return its size, or the reason why it cannot be read."""
    distinct = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(distinct, pool.map(_measure, distinct), strict=True))


def _measure(path: Path) -> Size | str:
    if not path.is_file():
        return "there is no such file"
    try:
        with Image.open(path) as image:
            size = image.size
            image.draft(
                "RGB", (64, 64)
            )  # a JPEG is decoded at an eighth of its size: enough to find a cut file
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return str(error).replace(f" {str(path)!r}", " the file")
    return size
