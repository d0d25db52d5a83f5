"""The words: each language has all that are needed, and the formulas stand once."""

from __future__ import annotations

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


def placeholders(value: Any, place: str = "") -> dict[str, set[str]]:
    """List the placeholders of every string by the table and the keys that lead to it."""
    if isinstance(value, str):
        return {place: set(re.findall(r"\{\w+\}", value))}
    found: dict[str, set[str]] = {}
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        name = each["id"] if isinstance(each, dict) and "id" in each else key
        found |= placeholders(each, f"{place} {name}".strip())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words_with_the_same_placeholders(language: str) -> None:
    found = placeholders(load(language))
    for other in LANGUAGES:
        for place, wanted in placeholders(load(other)).items():
            named = f"dropout_cli/words/{language}.toml: [{place.replace(' ', '] ', 1)}"
            assert place in found, f"missing in {named}"
            assert found[place] == wanted, f"other placeholders in {named}"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_has_its_words_and_formulas(language: str, step: str) -> None:
    place = f"dropout_cli/words/{language}.toml"
    ids = [each["id"] for each in load(language)["step"]]
    assert step in ids, f'{place}: no [[step]] with id = "{step}"'
    assert ids == list(STEPS), f"{place}: [[step]] in another order than views.walkthrough.STEPS"
    formulas = load(FORMULAS)["step"]
    assert set(formulas) <= set(ids)
    words = load(language)["step"][ids.index(step)]
    assert {name for name, _ in words.get("legend", [])} <= set(load(FORMULAS)["symbol"])
    terms = words.get("terms", {})
    for formula in formulas.get(step, []):
        found = set(re.findall(r"\{([a-z]+)\}", formula["unicode"]))
        assert found <= set(terms), f"{place}: [[step]] {step} terms has no {found - set(terms)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_has_its_words(language: str) -> None:
    words = load(language)
    both = IN_TRAINING | AT_P_1
    gradient = {f"grad_x-{name}" for name in both | IN_GRADIENT}
    own = gradient | {f"y-{name}" for name in both} | {"y-swapped", "grad_x-swapped"}
    assert own | set(IN_INFERENCE) <= set(words["mistake"])
    code = "".join(path.read_text() for path in Path(verify.__file__).parent.rglob("*.py"))
    for name in set(words["mistake"]) - own:
        assert f'"{name}"' in code or name.startswith("one-mask-for-every-"), name
    asked = {name for p in (0, 0.5, 1) for name in questions.at(p)}
    assert set(words["question"]) == set(words["asked"]) == asked
    assert set(CLAIMS) <= set(words["claim"])
    claims = {name for name in words["claim"] if not name.endswith(("-inference", "-p-1"))}
    assert claims - {"torch", "jax"} <= set(words["method"])
    assert set(words["source"]) == set(SOURCES)
