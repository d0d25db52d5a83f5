"""A verification as JUnit XML, so that CI systems show each check as a test case."""

from collections.abc import Mapping
from itertools import groupby
from typing import Any
from xml.etree import ElementTree

from dropout_cli.formats.document import Setting


def to_junit(record: Mapping[str, Any], setting: Setting) -> str:
    """Write a dropout-cli/verify/1 record: a suite per case, a test per check."""
    root = ElementTree.Element("testsuites", name=setting.title)
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
        diagnosis = [each for each in record["diagnosis"] if each["case"] == case]
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
                why = [d for d in diagnosis if (d["claim"], d["p"]) == (claim["id"], claim["p"])]
                message = " ".join(each["explanation"] for each in why) or claim["method"]
                failure = ElementTree.SubElement(test, "failure", type="wrong", message=message)
                elements = [element for each in why for element in each["elements"]]
                lines = [message, "i\tgot\texpected"] if elements else [message]
                lines += [f"{e['i']}\t{e['got']}\t{e['expected']}" for e in elements]
                failure.text = "\n".join(lines)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
