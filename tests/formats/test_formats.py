"""The table of the formats: each has a module that writes it."""

from importlib import import_module
from importlib.util import find_spec

import pytest

from dropout_cli.formats import FORMATS


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_format_has_its_writer(suffix: str) -> None:
    module, function = FORMATS[suffix].writer.split(".")
    name, place = f"dropout_cli.formats.{module}", f"dropout_cli/formats/{module}.py"
    assert find_spec(name), f"{place} is missing, which FORMATS[{suffix!r}] names"
    assert hasattr(import_module(name), function), f"{place} has no {function}"
    assert FORMATS[suffix].content in ("page", "record", "verdict")
