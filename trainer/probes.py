"""One completion per reward task that must be right, whatever the options: shows that a route can score."""

from collections.abc import Mapping

from trainer.config import EvaluationConfig, Format, RewardConfig, RewardTask, Route, RunConfig
from trainer.wire import JSON, Item

Wanted = tuple[str, str, Format]
"""Profile, name of the route, and format of the rows that go by it."""

_ANSWERS: Mapping[str, str] = {
    "choice": "A",
    "open-ended": "7",
    "grounding": "[[10, 10, 50, 50]]",
    "math": "7",
}
_PIXELS: Mapping[str, JSON] = {"coordinates": "pixel", "box_format": "xyxy"}


def probe(route: Route, form: Format) -> Item:
    """Return an item of `route` whose completion repeats its reference."""
    answer = "yes" if route.task == "choice" and _is_binary(route, form) else _ANSWERS[route.task]
    return Item(
        task=route.task,
        completion=f"<think>A probe.</think><answer>{answer}</answer>",
        reference=answer,
        id="probe",
        stage=form,
        options={**route.options, **reference_options(route.task)},
    )


def reference_options(task: RewardTask) -> Mapping[str, JSON]:
    """Return the options under which a reference can stand as an answer: boxes in pixels of the image."""
    return _PIXELS if task == "grounding" else {}


def routes_to_probe(config: RunConfig) -> dict[Wanted, Route]:
    """Return every route that a run may use, each once."""
    wanted: dict[Wanted, Route] = {}
    for stage in config.stages:
        wanted |= _routes_of(config.reward_of(stage), stage.format)
    return wanted | routes_of_sets(config.reward, config.evaluation)


def routes_of_sets(reward: RewardConfig, evaluation: EvaluationConfig) -> dict[Wanted, Route]:
    """Return every route that an evaluation may use, each once."""
    wanted: dict[Wanted, Route] = {}
    for own in evaluation.sets:
        wanted |= _routes_of(reward, own.format)
    return wanted


def _routes_of(reward: RewardConfig, form: Format) -> dict[Wanted, Route]:
    return {
        (reward.profile, name, form): route
        for name, route in reward.routes.items()
        if (name == form if form != "open" else name not in {"binary", "choice"})
    }


def _is_binary(route: Route, form: Format) -> bool:
    return route.options.get("kind", "binary" if form == "binary" else "auto") == "binary"
