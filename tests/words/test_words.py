"""The words: each language has all that are needed, and the formulas stand once."""

import re
from collections.abc import Iterable
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


def named(language: str, places: Iterable[str]) -> str:
    """The first line of a failure: the file, and the table and keys within it."""
    listed = "; ".join(f"[{place.replace(' ', '] ', 1)}" for place in sorted(places))
    return f"dropout_cli/words/{language}.toml: {listed}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_all_words(language: str) -> None:
    wanted = {place for found in ALL.values() for place in found}
    missing = wanted - set(ALL[language])
    assert not missing, f"missing in {named(language, missing)}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_placeholders(language: str) -> None:
    def placeholders(text: str) -> set[str]:
        return set(re.findall(r"\{[\w-]+\}", text))

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
    prose = load(language)
    both = IN_TRAINING | AT_P_1
    gradient = {f"grad_x-{name}" for name in both | IN_GRADIENT}
    own = gradient | {f"y-{name}" for name in both} | {"y-swapped", "grad_x-swapped"}
    alike = {name.partition("-")[2] for name in own} & set(prose["mistake"])  # in y and in grad_x
    own = {name for name in own if name.partition("-")[2] not in alike} | alike
    names = {name for p in (0, 0.5, 1) for name in questions.at(p)}
    needed = {
        "mistake": own | set(IN_INFERENCE), "source": set(SOURCES), "question": names,
        "checked_by": names, "claim": set(CLAIMS), "method": set(CLAIMS),
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
    for table in ("question", "checked_by", "source"):
        unused |= {f"{table} {name}" for name in set(prose[table]) - needed[table]}
    assert not unused, f"not used of {named(language, unused)}"
