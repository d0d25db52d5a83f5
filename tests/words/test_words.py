"""The words: the same in every language, and all that are needed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from dropout_cli import verify, words
from dropout_cli.masks import SOURCES
from dropout_cli.proof.claims import CLAIMS
from dropout_cli.verify import questions
from dropout_cli.verify.mistakes import AT_P_1, IN_GRADIENT, IN_INFERENCE, IN_TRAINING
from dropout_cli.views.steps import STEPS
from dropout_cli.words import languages, load

LANGUAGES = languages()


def shape(prose):
    """The prose without its words: keys, symbols, formulas, placeholders."""
    if isinstance(prose, dict):
        return {key: shape(value) for key, value in prose.items() if key != "language"}
    if isinstance(prose, list):
        return [shape(value) for value in prose]
    return set(re.findall(r"\{\w+\}", re.sub(r"\\text\{[^}]*\}", "", prose)))


def test_the_languages_have_the_same_shape():
    english = dict(load("en"))
    for other in map(dict, map(load, LANGUAGES)):
        assert shape(english) == shape(other)
        assert english["symbol"] == other["symbol"]


def test_the_languages_have_the_same_formulas():
    def formulas(language):
        for step in load(language)["step"]:
            for formula in [*step["formulas"], *filter(None, [step.get("card")])]:
                bare = re.sub(r"\\text\{[^}]*\}", "", formula["latex"])
                unicode = formula["unicode"] if bare == formula["latex"] else None
                yield step["id"], bare.split(), unicode

    assert all(list(formulas(other)) == list(formulas("en")) for other in LANGUAGES)


TERMS = """
dropout 丢弃, mask 掩码, kept 保留, forward 前向传播, backward 反向传播, chain rule 链式法则,
local gradient 局部梯度, upstream gradient 上游梯度, scalar loss 标量损失, proof 证明,
total differential 全微分, vector form 向量形式, elementwise product 逐元素乘积, summary 总结,
expectation 期望值, scaling factor 缩放因子, training 训练模式, inference 推理模式,
neuron 神经元, key points 关键要点, keep probability 保留概率, input 输入, output 输出
"""


@pytest.mark.parametrize("terms", re.split(r",\s", TERMS.strip()))
def test_the_fields_own_terms(terms):
    for language, term in zip(LANGUAGES, terms.rsplit(" ", 1), strict=True):
        assert term in json.dumps(dict(load(language)), ensure_ascii=False).lower()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_has_its_words(language):
    told = load(language)
    both = IN_TRAINING | AT_P_1
    gradient = {f"grad_x-{name}" for name in both | IN_GRADIENT}
    own = gradient | {f"y-{name}" for name in both} | {"y-swapped", "grad_x-swapped"}
    assert own | set(IN_INFERENCE) <= set(told["mistake"])
    code = "".join(path.read_text() for path in Path(verify.__file__).parent.rglob("*.py"))
    for name in set(told["mistake"]) - own:
        assert f'"{name}"' in code or name.startswith("one-mask-for-every-"), name
    asked = {name for p in (0, 0.5, 1) for name in questions.at(p)}
    assert set(told["question"]) == set(told["asked"]) == asked
    assert set(CLAIMS) <= set(told["claim"])
    claims = {name for name in told["claim"] if not name.endswith(("-inference", "-p-1"))}
    assert claims - {"torch", "jax"} <= set(told["method"])
    assert set(told["source"]) == set(SOURCES)
    assert [step["id"] for step in told["step"]] == list(STEPS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_parsed_one_by_one_are_those_of_the_file(language):
    text = (Path(words.__file__).parent / f"{language}.toml").read_text("utf-8")
    assert dict(load(language)) == tomllib.loads(text)
