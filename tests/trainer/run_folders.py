"""Writes run folders as a finished run leaves them, with made-up scores: for tests of the report alone."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from trainer.results import Evaluation, Record, save_evaluation

HOSTILE = "<script>alert('&')</script>"


def record(number: int, accuracy: float | None, **changes: object) -> Record:
    fields = {
        "set": "test-open",
        "domain": "in",
        "id": f"row-{number}",
        "task": "detection",
        "format": "open",
        "image": "",
        "problem": f"Where is {HOSTILE}?",
        "reference": "<answer>[3, 4, 20, 24]</answer>",
        "completion": f"<answer>{HOSTILE}</answer>",
        "tokens": 12,
        "status": "error" if accuracy is None else "scored",
        "reward": accuracy,
        "accuracy": accuracy,
        "well_formed": None if accuracy is None else 1.0,
        "explanation": f"IoU {accuracy}",
        "predicted_boxes": [[5.0, 4.0, 22.0, 24.0]],
        "reference_boxes": [[3.0, 4.0, 20.0, 24.0]],
    }
    return Record(**{**fields, **changes})


def write_run(folder: Path, base: float = 0.3, final: float = 0.6, items: int = 40) -> Path:
    """Write a run whose accuracy went from about `base` to about `final` on two sets of `items` items."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)).save(folder / "images/0.png")
    (folder / "config.yaml").write_text(f'name: "{HOSTILE}"\n', encoding="utf-8")
    (folder / "versions.json").write_text(json.dumps({"trainer": "0.1.0", "trl": HOSTILE}), encoding="utf-8")
    metrics = [_step(n, rng) for n in range(1, 61)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(m) + "\n" for m in metrics), encoding="utf-8")
    rollout = {
        "stage": "open",
        "stage_step": 1,
        "row_id": "a",
        "problem": HOSTILE,
        "completion": HOSTILE,
        "reward": None,
        "explanation": HOSTILE,
        "reference": "7",
    }
    (folder / "rollouts.jsonl").write_text(json.dumps(rollout) + "\n", encoding="utf-8")
    for label, level in (("base", base), ("final", final)):
        records = [
            record(
                n,
                float(np.clip(level + rng.normal(0, 0.05), 0, 1)),
                image=str(folder / "images/0.png"),
                **place,
            )
            for place in ({"set": "test-open", "domain": "in"}, {"set": "ood-open", "domain": "out"})
            for n in range(items)
        ]
        profile = {"name": "curr-reft", "version": "1.0.0", "digest": "sha256:00"}
        save_evaluation(Evaluation(label, "model", profile, tuple(records)), folder / "evaluation")
    return folder


def _step(number: int, rng: np.random.Generator) -> dict[str, object]:
    stage = ("binary", "choice", "open")[(number - 1) // 20]
    return {
        "stage": stage,
        "stage_step": (number - 1) % 20 + 1,
        "global_step": number,
        "reward": 1.0,
        "accuracy": float(np.clip(0.4 + 0.01 * ((number - 1) % 20) + rng.normal(0, 0.1), 0, 1)),
        "format": 0.9,
        "unscored": 0.0,
        "completion_length": 20.0 + rng.normal(),
        "completions_per_s": 200.0,
        "reward_wait_s": 0.01,
        "step_s": 0.5,
        "elapsed_s": 0.5 * number,
    }
