"""Hostile answers, judged the way the service does it: nothing hangs, crashes, pays or is executed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reward_service.isolation import Workers
from reward_service.rewards import math
from reward_service.rewards.reading import read
from reward_service.rewards.score import Judgement, Pending, VerifierFailed, VerifierTimeout

HOSTILE = [
    "9^{9^{9^9}}", "9**9**9**9", "100000!", "5" + "!" * 100, "{" * 50_000, "(" * 50_000, "1" * 1_000_000,
    "\\frac{1}{" * 3000 + "1" + "}" * 3000, "\\sqrt{" * 60 + "2" + "}" * 60, "\\sum_{k=1}^{10^{100}} k",
    "(x+y+z)^{200}", "(x+1)^{10^{10}}", "((((((1+x)^{99})^{99})^{99})^{99})^{99})", "e^{e^{e^{e^{e^{e}}}}}",
    "x^{x^{x^{x^x}}}", "10^{10^{10}}", "1/0", "\\frac{0}{0}", "0^0", "\\log 0", "\\tan 90^\\circ", "\\binom{1000}{500}",
    "\\gcd(10^{3000}, 6^{3000})", "1e99999", "1e-99999", "\\sin(10^{5000})", "\\lfloor 10^{300}\\pi\\rfloor",
    "+".join(f"\\sqrt{{{number}}}" for number in range(2, 40)), "*".join(f"(x+{number})" for number in range(1, 150)),
    "|" * 500, "-" * 900 + "1", "\\boxed{" * 20_000, "\\boxed{1}" * 10_000, "$" * 100_000, "a" * 100_000,
    "1," * 900 + "1", "1 or " * 300 + "1", "+".join(["\\pm 1"] * 60), "²" * 1000, "½" * 500, "\x00\x01", "\ud800",
    "=".join("x" * 400), "<".join("x" * 60), "x^2" * 300, "\\left(" * 500, "\\text{" * 4000, "e" * 5000, "((1,2)," * 500,
    "__import__('os').system('touch {marker}')", "exec(\"open('{marker}','w')\")", "(lambda: open('{marker}','w'))()",
    "\\operatorname{__import__}('os').system('touch {marker}')", "Symbol('x').__class__.__mro__", "{{{marker}}}",
]  # fmt: skip
REFERENCES = ["5", "\\sqrt{2}", "x>3", "\\{1,2\\}", "y=2x"]


def test_hostile_answers_harm_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    async def body() -> list[Judgement | Exception]:
        workers = Workers(2, 1.0, 2**30)
        await workers.start()
        outcomes: list[Judgement | Exception] = []
        try:
            for reference in REFERENCES:
                prepared = math.prepare(reference, math.Options())
                for text in HOSTILE:
                    judgement = math.judge(
                        read(text.replace("{marker}", str(marker))), prepared, math.Options()
                    )
                    if isinstance(judgement, Pending):
                        try:
                            judgement = await workers.run(judgement)
                        except (VerifierTimeout, VerifierFailed) as error:
                            outcomes.append(error)
                            continue
                    outcomes.append(judgement)
        finally:
            await workers.stop()
        return outcomes

    outcomes = asyncio.run(body())
    assert len(outcomes) == len(HOSTILE) * len(REFERENCES)
    assert [outcome for outcome in outcomes if isinstance(outcome, VerifierFailed)] == []
    assert [outcome for outcome in outcomes if isinstance(outcome, Judgement) and outcome.accuracy] == []
    assert not marker.exists()


@pytest.mark.parametrize("unit", ["\\boxed{", "{", "$", "1,", "or ", "\\frac{1}{", "(", "a ", "\\text{", "½"])
def test_the_time_in_the_serving_process_grows_with_the_length_at_most(unit: str) -> None:
    """Compares processor time at two lengths, far enough apart that a square would show."""
    prepared = math.prepare("5", math.Options())

    def cost(length: int) -> float:
        text = unit * (length // len(unit))
        return min(_timed(lambda: math.judge(read(text), prepared, math.Options())) for _ in range(3))

    assert cost(90_000) < 40 * cost(9_000) + 0.02


def _timed(function: object) -> float:
    start = time.process_time()
    function()  # type: ignore[operator]
    return time.process_time() - start


def test_the_serving_process_does_not_load_sympy() -> None:
    program = "import sys; from reward_service.rewards import math; assert not {'sympy', 'mpmath'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
