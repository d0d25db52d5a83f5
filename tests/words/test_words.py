"""The words: each language has all that are needed, and the formulas stand once."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dropout_cli import verify
from dropout_cli.masks import SOURCES
from dropout_cli.proof.claims import CLAIMS
from dropout_cli.verify import questions
from dropout_cli.verify.mistakes import AT_P_1, IN_GRADIENT, IN_INFERENCE, IN_TRAINING
from dropout_cli.views.walkthrough import STEPS
from dropout_cli.words import FORMULAS, languages, load

LANGUAGES = languages()


def words(value: Any, place: str = "") -> dict[str, str]:
    """Find every string of a language with the table and the keys that lead to it."""
    if isinstance(value, str):
        return {place: value}
    inside: dict[str, str] = {}
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        name = each["id"] if isinstance(each, dict) and "id" in each else key
        inside |= words(each, f"{place} {name}".strip())
    return inside


ALL = {language: words(load(language)) for language in LANGUAGES}


def named(language, places):
    """The first line of a failure: the file, and the table and keys within it."""
    listed = "; ".join(f"[{place.replace(' ', '] ', 1)}" for place in sorted(places))
    return f"dropout_cli/words/{language}.toml: {listed}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words(language):
    wanted = set().union(*ALL.values())
    missing = wanted - set(ALL[language])
    assert not missing, f"missing in {named(language, missing)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_placeholders(language):
    def placeholders(text):
        return set(re.findall(r"\{\w+\}", text))

    shared = {
        place: placeholders(text)
        for other in LANGUAGES if other != language
        for place, text in ALL[other].items()
    }  # fmt: skip
    different = [
        place for place, text in ALL[language].items()
        if place in shared and placeholders(text) != shared[place]
    ]  # fmt: skip
    assert not different, f"other placeholders in {named(language, different)}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_has_its_words_and_formulas(language, step):
    place = f"dropout_cli/words/{language}.toml"
    ids = [each["id"] for each in load(language).get("step", [])]
    assert step in ids, f'{place}: no [[step]] with id = "{step}"'
    assert ids == list(STEPS), f"{place}: [[step]] in another order than views.walkthrough.STEPS"
    formulas = load(FORMULAS)["step"]
    assert step in formulas, f"dropout_cli/words/{FORMULAS}.toml: [step] has no {step}"
    terms = load(language)["step"][ids.index(step)].get("terms", {})
    for formula in formulas[step]:
        found = set(re.findall(r"\{([a-z]+)\}", formula["unicode"]))
        assert found <= set(terms), f"{place}: [[step]] {step} terms has no {found - set(terms)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_symbol_in_a_sentence_is_a_symbol_of_the_formulas(language):
    symbols = set(load(FORMULAS)["symbol"])
    legend = [name for step in load(language).get("step", []) for name, _ in step.get("legend", [])]
    assert set(legend) <= symbols


TERMS = {
    "en": """dropout, mask, kept, forward, backward, chain rule, local gradient, upstream gradient,
    scalar loss, proof, total differential, vector form, elementwise product, summary, expectation,
    scaling factor, training, inference, key points, keep probability, input, output""",
    "zh": """丢弃, 掩码, 保留, 前向传播, 反向传播, 链式法则, 局部梯度, 上游梯度, 标量损失, 证明,
    全微分, 向量形式, 逐元素乘积, 总结, 期望值, 缩放因子, 训练, 推理模式, 要点, 保留概率,
    输入, 输出""",
}


@pytest.mark.parametrize("language", TERMS)
def test_the_fields_own_terms(language):
    text = json.dumps(load(language), ensure_ascii=False).lower()
    assert [term for term in re.split(r",\s+", TERMS[language]) if term not in text] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_has_its_words(language):
    prose = load(language)
    both = IN_TRAINING | AT_P_1
    gradient = {f"grad_x-{name}" for name in both | IN_GRADIENT}
    own = gradient | {f"y-{name}" for name in both} | {"y-swapped", "grad_x-swapped"}
    asked = {name for p in (0, 0.5, 1) for name in questions.at(p)}
    needed = {
        "mistake": own | set(IN_INFERENCE), "source": set(SOURCES), "question": asked,
        "asked": asked, "claim": set(CLAIMS), "method": set(CLAIMS),
    }  # fmt: skip
    missing = {
        f"{table} {name}" for table in needed for name in needed[table] - {*prose.get(table, ())}
    }
    assert not missing, f"missing in {named(language, missing)}"
    code = "".join(path.read_text() for path in Path(verify.__file__).parent.rglob("*.py"))
    unused = {
        f"mistake {name}"
        for name in set(prose["mistake"]) - needed["mistake"]
        if f'"{name}"' not in code and not name.startswith("one-mask-for-every-")
    }
    for table in ("question", "asked", "source"):
        unused |= {f"{table} {name}" for name in set(prose[table]) - needed[table]}
    assert not unused, f"not used of {named(language, unused)}"
