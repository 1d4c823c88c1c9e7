"""Turns a row and what a model said about it into the item that the service judges."""

from collections.abc import Mapping, Sequence

from trainer.config import Format, Route, Routes
from trainer.errors import ConfigError
from trainer.wire import JSON, Item

Message = Mapping[str, object]
Completion = str | Sequence[Message]


def route_of(routes: Routes, task: str, form: Format) -> Route:
    """Return the route of a row: by its format where that is binary or choice, else by its task."""
    name = task if form == "open" else form
    route = routes.get(name)
    if route is None:
        raise ConfigError(f"reward.routes: no route for {name!r} rows; there are {', '.join(sorted(routes))}")
    return route


def make_item(
    route: Route,
    completion: Completion,
    reference: JSON,
    *,
    id: str,
    form: Format,
    group: str | None = None,
    row_options: Mapping[str, Mapping[str, JSON]] | None = None,
) -> Item:
    """Return the item that asks `route` about `completion`.

    `row_options` holds options by reward task (trainer.data.dataset); those of the route's task win over the
    route's own. `form` is sent as the stage.
    """
    own = (row_options or {}).get(route.task, {})
    return Item(
        task=route.task,
        completion=text_of(completion),
        reference=reference,
        id=id,
        group=group,
        stage=form,
        options={**route.options, **own},
    )


def text_of(completion: Completion) -> str:
    """Return the text of a completion: itself, or that of the last message of a conversation."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else None
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
