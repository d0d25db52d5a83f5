"""The derivation's steps, and problems to render them for."""

from running import slow

from dropout_cli.views.walkthrough import STEPS
from dropout_cli.words import languages

IDS = list(STEPS)
LANGUAGES = languages()
PROBLEMS = {
    "default": "",
    "drawn": "-x 1,2,3 -p 0.1",
    "one": "-x 5",
    "squares": "--loss sum-squares -p 0.3",
    "inference": "--eval",
    "none dropped": "-p 0",
    "all dropped": "-p 1",
    "all dropped, squares": "-p 1 --loss sum-squares",
    "inference, squares": "--eval --loss sum-squares",
    "eleven": "-x 1,2,3,4,5,6,7,8,9,10,11 -s 5 -p 0.2",
    "long": "-x " + ",".join(map(str, range(40))) + " -s 1",
    "large": "-x 1e300,-1e300,3,1e-300",
    "digits": "-x 0.1,0.2,0.3,0.4 -p 0.123456789 --precision 12",
}
SOME_PROBLEMS = [
    name if name in ("default", "inference", "all dropped")
    else slow(name)
    for name in PROBLEMS
]  # fmt: skip
