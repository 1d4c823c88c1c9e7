from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.rewards import math
from reward_service.rewards.math.symbolic import compare
from reward_service.rewards.reading import read
from reward_service.rewards.score import InvalidReference, Judgement, Pending

NO_OPTIONS = math.Options()
numbers = st.fractions(min_value=-1000, max_value=1000, max_denominator=60)
alphabet = st.sampled_from(
    [*"0123456789abcexyzin+-*/^=<>!()[]{},.;:%|_ \\$°½²√π∞", "\\frac", "\\sqrt", "\\text{", "or ", "\\pm "]
)
noise = st.lists(alphabet, max_size=25).map("".join) | st.text(max_size=40)


def latex(value: Fraction) -> str:
    sign = "-" if value < 0 else ""
    top, bottom = abs(value.numerator), value.denominator
    return f"{sign}{top}" if bottom == 1 else f"{sign}\\frac{{{top}}}{{{bottom}}}"


def plain(value: Fraction) -> str:
    return str(value)


scalars = numbers.map(latex) | numbers.map(plain) | st.sampled_from(
    ["\\pi", "2\\sqrt{3}", "x+1", "e^{2}", "3i-2", "\\frac{a}{b}", "\\sin x", "50\\%", "12 cm", "90^\\circ", "\\infty"]
)  # fmt: skip
lists = st.lists(numbers.map(latex), min_size=2, max_size=4, unique=True)
references = (
    scalars
    | lists.map(lambda items: "\\{" + ",".join(items) + "\\}")
    | lists.map(lambda items: "(" + ", ".join(items) + ")")
    | lists.map(lambda items: " or ".join(f"x={item}" for item in items))
    | st.tuples(numbers, numbers).map(lambda ends: f"[{latex(min(ends))}, {latex(max(ends))})")
    | scalars.map(lambda value: f"y = {value}")
    | numbers.map(lambda value: f"x \\le {latex(value)}")
    | lists.map(lambda items: "\\begin{pmatrix}" + " & ".join(items) + "\\end{pmatrix}")
    | st.sampled_from(
        ["even", "\\text{Evelyn}", "A", "Saturday morning", "204_6", "(-\\infty, 3) \\cup (5, \\infty)"]
    )
)


def judge(answer: str, reference: str) -> Judgement | Pending:
    return math.judge(read(answer), math.prepare(reference, NO_OPTIONS), NO_OPTIONS)


def score(answer: str, reference: str) -> Judgement:
    judgement = judge(answer, reference)
    return judgement.function(*judgement.arguments) if isinstance(judgement, Pending) else judgement


@given(noise)
@settings(max_examples=400, deadline=None)
def test_any_text_is_judged_or_handed_on(text: str) -> None:
    for reference in ("5", "\\{1, 2\\}", "x + \\pi", "\\text{east}"):
        judgement = judge(text, reference)
        if isinstance(judgement, Judgement):
            assert judgement.accuracy in (0.0, 1.0)


@given(noise)
@settings(max_examples=400, deadline=None)
def test_any_reference_is_read_or_refused(text: str) -> None:
    try:
        reference = math.prepare(text, NO_OPTIONS)
    except InvalidReference:
        return
    judgement = math.judge(read("\\boxed{" + math.as_answer(reference) + "}"), reference, NO_OPTIONS)
    assert isinstance(judgement, Judgement | Pending)


@given(references)
@settings(max_examples=300, deadline=None)
def test_a_reference_answers_itself(reference: str) -> None:
    assert score(math.as_answer(math.prepare(reference, NO_OPTIONS)), reference).accuracy == 1.0


@given(numbers, numbers)
@settings(max_examples=200, deadline=None)
def test_equal_numbers_and_only_those_are_equal(left: Fraction, right: Fraction) -> None:
    assert score(latex(left), plain(right)).accuracy == float(left == right)
    assert score(plain(left), latex(left)).accuracy == 1.0


@given(
    numbers,
    numbers,
    st.sampled_from([" or ", ", ", " and ", "; ", " \\text{ or } ", " maybe ", " or maybe ", " "]),
)
@settings(max_examples=200, deadline=None)
def test_a_hedge_never_pays(right: Fraction, wrong: Fraction, joint: str) -> None:
    if right == wrong:
        return
    # two whole numbers side by side may be one: "1 000", "1 1/2"
    both = (latex(right), latex(wrong)) if joint.strip() else (f"x={latex(right)}", f"x={latex(wrong)}")
    for first, second in (both, both[::-1]):
        hedge = score(f"{first}{joint}{second}", latex(right))
        assert hedge.accuracy == 0.0 or ("," in joint and _is_decimal(first, second, right)), hedge


def _is_decimal(first: str, second: str, value: Fraction) -> bool:
    return first.lstrip("-").isdigit() and second.isdigit() and Fraction(f"{first}.{second}") == value


@given(lists, st.randoms())
@settings(max_examples=100, deadline=None)
def test_sets_have_no_order(items: list[str], random: object) -> None:
    shuffled = list(items)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    reference = "\\{" + ", ".join(items) + "\\}"
    assert score("\\{" + ", ".join(shuffled) + "\\}", reference).accuracy == 1.0
    assert score("\\{" + ", ".join(shuffled[1:]) + "\\}", reference).accuracy == 0.0
    assert score("(" + ", ".join(shuffled) + ")", reference).accuracy == 0.0


@given(scalars | lists.map(lambda items: "(" + ", ".join(items) + ")"), references)
@settings(max_examples=200, deadline=None)
def test_the_fast_stages_agree_with_the_symbolic_one(answer: str, reference: str) -> None:
    judgement = judge(answer, reference)
    if isinstance(judgement, Judgement) and "decided by limits" not in judgement.explanation:
        prepared = math.prepare(reference, NO_OPTIONS)
        assert compare(answer, prepared.text, None).accuracy == judgement.accuracy
