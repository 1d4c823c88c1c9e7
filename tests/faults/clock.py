"""A clock whose sleeps take no time: they are noted and move the clock on."""

import time
from dataclasses import dataclass, field

from trainer.retries import Time


@dataclass
class SkippingClock:
    waits: list[float] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() + sum(self.waits)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    @property
    def time(self) -> Time:
        return Time(self.now, self.sleep)
