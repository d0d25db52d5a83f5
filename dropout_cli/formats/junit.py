"""A verification as JUnit XML, so that CI systems show each claim as a test case."""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree


def to_junit(record: Mapping[str, Any], title: str, _theme: str) -> str:
    """The claims of a dropout-cli/verify/1 record as one test suite."""
    claims = record["claims"]
    suite = ElementTree.Element(
        "testsuite",
        name=title,
        tests=str(len(claims)),
        failures=str(sum(claim["ok"] is False for claim in claims)),
        skipped=str(sum(claim["ok"] is None for claim in claims)),
        errors="0",
    )
    for claim in claims:
        name = f"{claim['id']}: {claim['statement']}"
        case = ElementTree.SubElement(suite, "testcase", classname="dropout-cli.verify", name=name)
        if claim["ok"] is None:
            ElementTree.SubElement(case, "skipped", message=claim["method"])
        elif not claim["ok"]:
            told = [d["explanation"] for d in record["diagnosis"] if d["about"] == claim["id"]]
            message = " ".join([claim["method"], *told])
            ElementTree.SubElement(case, "failure", message=message).text = message
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
