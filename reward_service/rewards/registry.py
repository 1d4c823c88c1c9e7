"""The table of rewards: one line per task.

A reward is a module with five names: `Options` (frozen dataclass), `ReferenceShape` (the JSON a reference may
be), `prepare`, `judge` and `as_answer`. What they mean is written at the fields of `Task`.
"""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType, ModuleType
from typing import Any

from reward_service.rewards import choice, grounding, math, open_ended
from reward_service.rewards.reading import Reading
from reward_service.rewards.score import Judgement, Pending

SHARED = ("reading.py", "score.py", "wording.py")
"""Modules beside this one that scores of several rewards come from."""


@dataclass(frozen=True, slots=True)
class Task:
    """One reward as the service sees it.

    name: as on the wire. version: SemVer of the scores; its major grows when the same item may score
    otherwise. summary: the first line of the module's docstring. options: the dataclass of options. shape: a
    type form of the references. prepare: parses a reference; raises InvalidReference or BadField. judge:
    scores a reading against a prepared reference. as_answer: the text of a prepared reference that scores 1.
    digest: "sha256:" of the source, the modules that all rewards share included.
    """

    name: str
    version: str
    summary: str
    options: type
    shape: Any
    prepare: Callable[[Any, Any], Any]
    judge: Callable[[Reading, Any, Any], Judgement | Pending]
    as_answer: Callable[[Any], str]
    digest: str

    @property
    def title(self) -> str:
        """The name in camel case, for the names of schemas: `open-ended` is `OpenEnded`."""
        return "".join(part.capitalize() for part in self.name.split("-"))


def _task(name: str, version: str, module: ModuleType) -> Task:
    return Task(
        name=name,
        version=version,
        summary=(module.__doc__ or "").strip().split("\n")[0],
        options=module.Options,
        shape=module.ReferenceShape,
        prepare=module.prepare,
        judge=module.judge,
        as_answer=module.as_answer,
        digest=_source_digest(module),
    )


def source_files(module: ModuleType) -> list[Traversable]:
    """The files that decide a reward's scores: its own in the order of their names, then the shared ones."""
    package, _, name = module.__name__.rpartition(".")
    if hasattr(module, "__path__"):
        own = [
            file for file in importlib.resources.files(module.__name__).iterdir() if file.name.endswith(".py")
        ]
    else:
        own = [importlib.resources.files(package) / f"{name}.py"]
    shared = [importlib.resources.files("reward_service.rewards") / file for file in SHARED]
    return sorted(own, key=lambda each: each.name) + shared


def _source_digest(module: ModuleType) -> str:
    digest = hashlib.sha256()
    for file in source_files(module):
        digest.update(file.read_bytes())
    return f"sha256:{digest.hexdigest()}"


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        task.name: task
        for task in (
            _task("choice", "1.0.0", choice),
            _task("open-ended", "1.0.0", open_ended),
            _task("grounding", "1.0.0", grounding),
            _task("math", "1.0.0", math),
        )
    }
)
