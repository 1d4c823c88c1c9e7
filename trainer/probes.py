"""One completion per reward task that must be right, whatever the options: shows that a route can score."""

from collections.abc import Mapping

from trainer.config import Format, RewardTask, Route, RunConfig
from trainer.wire import JSON, Item

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


def routes_to_probe(config: RunConfig) -> dict[tuple[str, str, Format], Route]:
    """Return every route that a run may use, by profile, route name and format, each once."""
    wanted: dict[tuple[str, str, Format], Route] = {}
    for stage in config.stages:
        reward = config.reward_of(stage)
        for name in _route_names(stage.format, list(reward.routes)):
            if name in reward.routes:
                wanted[reward.profile, name, stage.format] = reward.routes[name]
    for own in config.evaluation.sets:
        for name in _route_names(own.format, list(config.reward.routes)):
            if name in config.reward.routes:
                wanted[config.reward.profile, name, own.format] = config.reward.routes[name]
    return wanted


def _route_names(form: Format, names: list[str]) -> list[str]:
    return [name for name in names if name not in {"binary", "choice"}] if form == "open" else [form]


def _is_binary(route: Route, form: Format) -> bool:
    return route.options.get("kind", "binary" if form == "binary" else "auto") == "binary"
