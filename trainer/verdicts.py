"""Says in plain words what training changed, set by set, gains and losses alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.intervals import Interval
from trainer.results import Domain, Evaluation, Record, paired_gain

Direction = Literal["better", "worse", "unclear"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison of base and final on the same items; `title` names the items, `sentence` the finding."""

    title: str
    domain: Domain
    direction: Direction
    gain: Interval
    sentence: str


def domain_name(domain: Domain) -> str:
    """Return "in domain" or "out of domain"."""
    return "in domain" if domain == "in" else "out of domain"


def direction_of(gain: Interval) -> Direction:
    """Better or worse only where the whole interval lies on one side of zero."""
    if gain.low is not None and gain.low > 0:
        return "better"
    return "worse" if gain.high is not None and gain.high < 0 else "unclear"


def headlines(base: Evaluation, final: Evaluation) -> list[Verdict]:
    """Compare all open-ended items, pooled in domain and out of domain; a domain without any is left out."""
    verdicts = []
    for domain in ("in", "out"):
        old, new = ([r for r in e.records if _is_open(r, domain)] for e in (base, final))
        if old and new:
            verdicts.append(_verdict(f"Open-ended questions, {domain_name(domain)}", domain, old, new))
    return verdicts


def set_verdicts(base: Evaluation, final: Evaluation) -> list[Verdict]:
    """Compare set by set, in the order of the base's evaluation; sets that only one has are left out."""
    verdicts = []
    for name in dict.fromkeys(r.set for r in base.records):
        old, new = ([r for r in e.records if r.set == name] for e in (base, final))
        if new:
            title = f"{name} ({old[0].format}, {domain_name(old[0].domain)})"
            verdicts.append(_verdict(title, old[0].domain, old, new))
    return verdicts


def _is_open(record: Record, domain: str) -> bool:
    return record.format == "open" and record.domain == domain


def _verdict(title: str, domain: Domain, old: Sequence[Record], new: Sequence[Record]) -> Verdict:
    both = {r.id for r in old if r.accuracy is not None} & {r.id for r in new if r.accuracy is not None}
    gain = paired_gain(old, new)
    if gain.mean is None or gain.low is None or gain.high is None:
        return Verdict(title, domain, "unclear", gain, "no item was scored for both models.")
    before, after = (_mean([r for r in records if r.id in both]) for records in (old, new))
    direction = direction_of(gain)
    verb = {"better": "rose", "worse": "fell", "unclear": "did not clearly change"}[direction]
    sentence = (
        f"accuracy {verb}: {before:.2f} before, {after:.2f} after, a difference of {gain.mean:+.2f} "
        f"(95 % interval {gain.low:+.2f} to {gain.high:+.2f}) over the same {len(both)} items."
    )
    return Verdict(title, domain, direction, gain, sentence)


def _mean(records: Sequence[Record]) -> float:
    values = [r.accuracy for r in records if r.accuracy is not None]
    return sum(values) / len(values)
