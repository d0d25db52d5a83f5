"""A verification as JUnit XML, so that CI systems show each check as a test case."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from dropout_cli.formats.document import Setting


def to_junit(record: Mapping[str, Any], setting: Setting) -> str:
    """The checks of a dropout-cli/verify/1 record: a suite for each case, a test for each check."""
    root = ElementTree.Element("testsuites", name=setting.title)
    told: dict[tuple[str, str | None, float], list[Mapping[str, Any]]] = {}
    for each in record["diagnosis"]:
        told.setdefault((each["claim"], each["case"], each["p"]), []).append(each)
    several_p = len({claim["p"] for claim in record["claims"]}) > 1
    for case, group in groupby(record["claims"], key=lambda claim: claim["case"]):
        claims = list(group)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=case or setting.title,
            tests=str(len(claims)),
            failures=str(sum(claim["ok"] is False for claim in claims)),
            skipped=str(sum(claim["ok"] is None for claim in claims)),
            errors="0",
        )
        for claim in claims:
            name = f"{claim['id']}: {claim['statement']}"
            if several_p:
                name += f" (p = {claim['p']:g})"
            test = ElementTree.SubElement(
                suite, "testcase", classname=case or "dropout-cli.verify", name=name
            )
            if claim["ok"] is None:
                ElementTree.SubElement(test, "skipped", message=claim["method"])
            elif not claim["ok"]:
                why = told.get((claim["id"], case, claim["p"]), [])
                message = " ".join(each["explanation"] for each in why) or claim["method"]
                failure = ElementTree.SubElement(test, "failure", type="wrong", message=message)
                failure.text = "\n".join([message, *(_table(each["elements"]) for each in why)])
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _table(elements: Sequence[Mapping[str, Any]]) -> str:
    """A line for each wrong element, below a heading."""
    cells = [("i", "got", "expected")] if elements else []
    cells += [(str(each["i"]), str(each["got"]), str(each["expected"])) for each in elements]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
