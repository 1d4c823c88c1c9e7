"""What is checked before a model loads, cheapest first: the service, GRPO's fields, the rows, the references.

check_service     version and contract, profiles, a scored probe of every route (well under two seconds)
check_data        names and numbers of GRPO's fields (trainer.config_grpo); then every row can be read and has a
                  route, every image opens; then every reference gets full marks as its own answer
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainer.client import RewardClient
from trainer.config import RewardConfig, Route, RunConfig
from trainer.errors import ConfigError, DataError, ServiceError, ServiceRefused
from trainer.items import make_item, route_of
from trainer.probes import Wanted, probe, reference_options, routes_to_probe
from trainer.wire import JSON, Item, ItemResult, ServiceIdentity

if TYPE_CHECKING:
    from trainer.data.rows import Row

FULL_MARKS = 1.0 - 1e-6
_SHOWN_ROWS = 5

_References = dict[str, tuple[Item, str]]
"""Items by their content, each with the source ("file:line") of the first row that has it."""


@dataclass(frozen=True, slots=True)
class RunRows:
    """The rows of a run: those of each stage and of each evaluation set, by name."""

    stages: Mapping[str, Sequence[Row]]
    sets: Mapping[str, Sequence[Row]]


def check_service(config: RunConfig, client: RewardClient) -> ServiceIdentity:
    """Check that the service answers, speaks this contract, serves the profiles and scores every route.

    Returns what it says it is. Raises ServiceUnreachable at once, without retries, where nothing answers.
    """
    service = client.version()
    check_routes(routes_to_probe(config), client)
    return service


def check_routes(wanted: Mapping[Wanted, Route], client: RewardClient) -> None:
    """Have the service score a probe of every route; the error names the route that it cannot score."""
    for (profile, name, form), route in wanted.items():
        try:
            batch = client.score([probe(route, form)], profile, 0.0)
        except ServiceRefused as refusal:
            if refusal.status != 422:
                raise
            raise ConfigError(f"reward.routes.{name}: the service refuses it: {refusal.detail}") from None
        if batch.rewards[0] is None:
            result = batch.results[0]
            raise ServiceError(
                f"reward.routes.{name}: a probe with profile {profile} was not scored: "
                f"{result.status}: {result.explanation}"
            )


def check_data(config: RunConfig, client: RewardClient) -> RunRows:
    """Check everything else that can be checked without a model and return the rows.

    Generated data must be there already. Raises the TrainerError of the first thing that is wrong; a
    DataError names file and line.
    """
    from trainer.config_grpo import check_grpo_fields

    check_grpo_fields(config)
    rows = _load_run_rows(config)
    jobs = [(config.reward_of(stage), rows.stages[stage.name]) for stage in config.stages]
    jobs += [(config.reward, own) for own in rows.sets.values()]
    check_references(jobs, client)
    return rows


def _load_run_rows(config: RunConfig) -> RunRows:
    from trainer.data.rows import load_rows, load_set

    stages = {
        stage.name: load_rows(stage.data, stage.format, config.seed, config.reward_of(stage).routes)
        for stage in config.stages
    }
    sets = {own.name: load_set(own, config.seed, config.reward.routes) for own in config.evaluation.sets}
    return RunRows(stages, sets)


def check_references(jobs: Iterable[tuple[RewardConfig, Sequence[Row]]], client: RewardClient) -> None:
    """Score each reference as its own answer; DataError lists the rows that do not get full accuracy.

    A reference that means nothing, or that its route reads otherwise than it was meant, would teach that
    right answers are wrong. Equal references of one profile are scored once.
    """
    asked: dict[str, _References] = {}
    for settings, rows in jobs:
        _collect(asked, settings, rows)
    faults = [fault for profile, own in asked.items() for fault in _faults(own, profile, client)]
    if faults:
        more = f" (and {len(faults) - _SHOWN_ROWS} more)" if len(faults) > _SHOWN_ROWS else ""
        raise DataError("; ".join(faults[:_SHOWN_ROWS]) + more)


def reference_item(row: Row, settings: RewardConfig, id: str) -> Item:
    """Return the item that gives a row's solution as the answer to itself."""
    try:
        route = route_of(settings.routes, row.task, row.format)
    except ConfigError as error:
        raise ConfigError(f"{error}; {row.source} needs it") from None
    answer = row.solution if "<answer>" in row.solution else f"<answer>{row.solution}</answer>"
    options: dict[str, Mapping[str, JSON]] = {route.task: reference_options(route.task)}
    if row.choices is not None:
        options["choice"] = {"choices": dict(row.choices)}
    return make_item(route, answer, row.solution, id=id, form=row.format, row_options=options)


def _collect(asked: dict[str, _References], settings: RewardConfig, rows: Sequence[Row]) -> None:
    references = asked.setdefault(settings.profile, {})
    for row in rows:
        item = reference_item(row, settings, "")
        references.setdefault(json.dumps(item.body(), sort_keys=True), (item, row.source))


def _faults(references: _References, profile: str, client: RewardClient) -> list[str]:
    items = [replace(item, id=str(place)) for place, (item, _) in enumerate(references.values())]
    sources = [source for _, source in references.values()]
    results = client.score(items, profile).results if items else ()
    return [
        f"{source}: {_fault(item, result)}"
        for item, source, result in zip(items, sources, results, strict=True)
        if (result.component("accuracy") or 0.0) < FULL_MARKS
    ]


def _fault(item: Item, result: ItemResult) -> str:
    accuracy = result.component("accuracy")
    said = f"{result.status}: {result.explanation}"
    if accuracy is not None:
        said = f"accuracy {accuracy:g} as its own answer, expected 1: {result.explanation}"
    return f"solution {item.reference!r} for reward {item.task}: {said}"
