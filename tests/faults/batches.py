"""Batches that have right, partly right and wrong answers, and what to compare."""

from trainer.wire import Item

PROFILE = "curr-reft@1"


def grounding_items(count: int, group_size: int = 4) -> list[Item]:
    """Boxes that overlap their reference more and less, so that rewards of neighbours differ."""
    return [
        Item(
            task="grounding",
            completion=f"<think>There.</think><answer>[10, 10, {50 + 5 * (i % 9)}, 50]</answer>",
            reference="[10, 10, 50, 50]",
            id=f"item-{i}",
            group=f"prompt-{i // group_size}",
            stage="open",
            options={"mode": "soft"},
        )
        for i in range(count)
    ]
