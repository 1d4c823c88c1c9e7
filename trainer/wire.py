"""What goes over the wire: items as they are sent, answers as they are read.

Reading is tolerant, so that a newer or an older service of the same contract works: unknown fields are
ignored, optional ones may be missing, an unknown status means not scored. It is strict about numbers: only
`usable_reward` says whether a result carries one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, JsonValue

JSON = JsonValue

CONTRACT = "1"
MAX_ITEMS = 4096
"""Items that one request may carry."""

_SHOWN_FIELDS = 3

_NUMBERED_STATUSES = frozenset({"scored", "verifier_timeout"})  # an operator may choose 0 for a timeout


@dataclass(frozen=True, slots=True)
class Item:
    """One completion to judge; `stage`, `group`, `difficulty` and `options` are left out where empty."""

    task: str
    completion: str
    reference: JSON
    id: str
    group: str | None = None
    stage: str | None = None
    difficulty: float | None = None
    options: Mapping[str, JSON] = field(default_factory=dict)

    def body(self) -> dict[str, JSON]:
        """Return the item as JSON."""
        body: dict[str, JSON] = {
            "task": self.task,
            "completion": self.completion.encode("utf-8", "replace").decode(),  # no lone surrogates in JSON
            "reference": self.reference,
            "id": self.id,
        }
        if self.group is not None:
            body["group"] = self.group
        if self.stage is not None:
            body["stage"] = self.stage
        if self.difficulty is not None:
            body["difficulty"] = self.difficulty
        if self.options:
            body["options"] = dict(self.options)
        return body


def request_body(items: Sequence[Item], profile: str, progress: float | None) -> dict[str, JSON]:
    """Return the request for a mixed batch; `progress` is the share of training done, 0 to 1."""
    body: dict[str, JSON] = {"items": [item.body() for item in items], "profile": profile}
    if progress is not None:
        body["progress"] = min(1.0, max(0.0, progress))
    return body


class Read(BaseModel):
    """Base of what is read: frozen, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class ItemResult(Read):
    """What the service says about one item. `reward` may only be used through `usable_reward`."""

    id: JsonValue = None
    reward: float | None = None
    status: str
    components: dict[str, float | None] = {}
    answer: JsonValue = None
    explanation: str = ""
    retryable: bool = False

    def usable_reward(self) -> float | None:
        """Return the reward where the item was judged, else None. Never NaN or infinite."""
        if self.status not in _NUMBERED_STATUSES or self.reward is None or not math.isfinite(self.reward):
            return None
        return self.reward

    def component(self, name: str) -> float | None:
        """Return a component of a judged item, None where it was not judged or has no such component."""
        value = self.components.get(name)
        return None if self.usable_reward() is None or value is None or not math.isfinite(value) else value


class GroupStatistics(Read):
    """How one group of completions of the same prompt did; null where nothing of it was scored."""

    size: int
    scored: int
    mean: float | None = None
    std: float | None = None
    pass_rate: float | None = None
    difficulty: float | None = None
    weight: float | None = None


class ProfileIdentity(Read):
    """The profile that scored: equal digests mean equal rewards."""

    name: str
    version: str
    digest: str


class ServiceIdentity(Read):
    """The service that answered; `contract` is the major version of the wire."""

    version: str
    contract: str


class Answer(Read):
    """A whole answer of a scoring route."""

    rewards: list[float | None]
    results: list[ItemResult]
    groups: dict[str, GroupStatistics] = {}
    profile: ProfileIdentity
    service: ServiceIdentity


class FieldProblem(Read):
    """One bad field of a refused request."""

    path: str = ""
    message: str = ""


class Problem(Read):
    """Problem details (RFC 9457) of a refused request."""

    title: str = ""
    detail: str = ""
    errors: list[FieldProblem] = []

    def text(self) -> str:
        """Return the service's own words on one line: the bad fields where it lists them."""
        if not self.errors:
            return self.detail or self.title
        more = f" (and {len(self.errors) - _SHOWN_FIELDS} more)" if len(self.errors) > _SHOWN_FIELDS else ""
        return "; ".join(f"{e.path}: {e.message}" for e in self.errors[:_SHOWN_FIELDS]) + more
