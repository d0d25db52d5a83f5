"""The derivation: its words, its numbers, and the ways to read and to keep it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from fractions import Fraction
from html import unescape
from itertools import product
from pathlib import Path

import pytest
from rich.cells import cell_len

from dropout_cli.prose import load

IDS = [
    "definition", "setup", "chain-rule", "local-gradient", "gradient", "vector-form", "proof",
    "worked-example", "sum-loss", "pytorch", "why-scale", "inference", "summary",
]  # fmt: skip
LANGUAGES = ("en", "zh")
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


# The words


def shape(prose):
    """The prose without its words: keys, symbols, formulas, placeholders."""
    if isinstance(prose, dict):
        return {key: shape(value) for key, value in prose.items() if key != "language"}
    if isinstance(prose, list):
        return [shape(value) for value in prose]
    return set(re.findall(r"\{\w+\}", re.sub(r"\\text\{[^}]*\}", "", prose)))


def test_the_languages_have_the_same_shape():
    english, chinese = map(load, LANGUAGES)
    assert shape(english) == shape(chinese)
    assert english["symbol"] == chinese["symbol"]


def test_the_languages_have_the_same_formulas():
    def formulas(language):
        for step in load(language)["step"]:
            for formula in [*step["formulas"], *filter(None, [step.get("card")])]:
                bare = re.sub(r"\\text\{[^}]*\}", "", formula["latex"])
                unicode = formula["unicode"] if bare == formula["latex"] else None
                yield step["id"], bare.split(), unicode

    english, chinese = map(list, map(formulas, LANGUAGES))
    assert english == chinese


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_of_the_derivation_in_its_order(cli, language):
    assert [step["id"] for step in load(language)["step"]] == IDS
    listed = cli("walkthrough", "--list", "--lang", language).out
    assert re.findall(r"^ ?\d+  (\S+)", listed, flags=re.MULTILINE) == IDS


TERMS = """
dropout 丢弃, mask 掩码, kept 保留, forward 前向传播, backward 反向传播, chain rule 链式法则,
local gradient 局部梯度, upstream gradient 上游梯度, scalar loss 标量损失, proof 证明,
total differential 全微分, vector form 向量形式, elementwise product 逐元素乘积, summary 总结,
expectation 期望值, scaling factor 缩放因子, training 训练模式, inference 推理模式,
neuron index 神经元索引, key points 关键要点, keep probability 保留概率, input 输入, output 输出
"""


@pytest.mark.parametrize("terms", re.split(r",\s", TERMS.strip()))
def test_the_fields_own_terms(terms):
    for language, term in zip(LANGUAGES, terms.rsplit(" ", 1), strict=True):
        assert term in json.dumps(load(language), ensure_ascii=False).lower()


def test_the_language_comes_from_the_option_or_the_environment(cli, monkeypatch):
    chinese = cli("walkthrough", "--lang", "zh").out
    assert "链式法则" in chinese
    for command in ("forward", "backward"):
        assert "保留概率" in cli(command, "--lang", "zh").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")
    assert cli("walkthrough").out == chinese
    assert "The chain rule" in cli("walkthrough", "--lang", "en").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "fr")
    assert cli("walkthrough").code == 2


# The numbers


@pytest.fixture
def numbers(cli):
    def of(*args):
        steps = cli("walkthrough", "-f", "json", *args).json["steps"]
        return {step["id"]: step["numbers"] for step in steps}

    return of


def test_every_number_of_the_default_walkthrough(numbers):
    """The worked example in exact fractions, from the definition alone."""
    x, m, p = [2, 4, 6, 8], [1, 0, 1, 0], Fraction(1, 2)
    g = [Fraction(k, 10) for k in (1, 2, 3, 4)]
    scale = 1 / (1 - p)
    y = [v * b * scale for v, b in zip(x, m, strict=True)]
    grad_x = [v * b * scale for v, b in zip(g, m, strict=True)]
    told = numbers()

    def same(found, wanted):
        assert found == pytest.approx([float(v) for v in wanted], rel=1e-15, abs=0)

    assert told["definition"] == {"p": 0.5, "keep": 0.5, "scale": 2}
    assert told["setup"]["n"] == 4
    same(told["setup"]["x"], x)
    same(told["setup"]["y"], y)
    assert told["chain-rule"] == {"i": 1, "grad_y": 0.1, "local_grad": 2, "grad_x": 0.2}
    same(told["local-gradient"]["local_grad"], [b * scale for b in m])
    assert told["gradient"] == {"kept": 2, "dropped": 2}
    same(told["vector-form"]["grad_x"], grad_x)
    assert told["local-gradient"]["changed_by_a_fresh_mask"] == 2  # each with probability 1/2
    dx = [Fraction(k, 100) for k in (1, 2, 3, 4)]
    same(told["proof"]["dx"], dx)
    change = sum(u * b * scale * d for u, b, d in zip(g, m, dx, strict=True))
    same([told["proof"]["dL_by_y"], told["proof"]["dL_by_x"]], [change, change])
    same(told["worked-example"]["y"], y)
    same(told["worked-example"]["grad_y"], g)
    same(told["worked-example"]["grad_x"], grad_x)
    assert told["sum-loss"]["loss"] == sum(y) == 16
    same(told["sum-loss"]["grad_x"], [b * scale for b in m])
    masks = {"torch-rand": [1, 1, 0, 1], "torch-cpu": [1, 1, 1, 1]}  # measured, torch 2.13.0
    assert told["pytorch"] == {
        "seed": 42,
        "masks": masks,
        "differences": {"y": x[2] * scale, "grad_x": float(g[2] * scale)},  # the third element's
    }
    means = [[0] * 4 for _ in range(3)]
    for mask in product((0, 1), repeat=4):
        for i, b in enumerate(mask):
            for mean, value in zip(
                means, (x[i] * b, x[i] * b * scale, g[i] * b * scale), strict=True
            ):
                mean[i] += value / 16
    for name, mean in zip(("unscaled", "y", "grad_x"), means, strict=True):
        same(told["why-scale"][name], mean)
    same(told["why-scale"]["variance"], [v * v for v in x])  # p/(1−p) = 1
    assert told["why-scale"]["masks"] == 16
    same(told["inference"]["y"], x)
    same(told["inference"]["grad_x"], g)
    assert told["summary"]["largest_difference"] == 0


def test_each_number_stands_in_the_text(cli):
    text = cli("walkthrough").out
    for line in (
        "P(mᵢ = 1) = 1 − 0.5 = 0.5,   P(mᵢ = 0) = 0.5",
        "x = [2, 4, 6, 8]ᵀ",
        "y = [4, 0, 12, 0]ᵀ",
        "∂L/∂x₁ = ∂L/∂y₁ · ∂y₁/∂x₁ = 0.1 × 2 = 0.2",
        "⎢ 0  0  2  0 ⎥",
        "∂L/∂x = ⎢ ∂L/∂y₂ · m₂/(1−p) ⎥ = ⎢ 0.2 × 0 ⎥ = ⎢ 0   ⎥",
        "dL = Σ ∂L/∂yᵢ dyᵢ = 0.02",
        "dL = Σ ∂L/∂xᵢ dxᵢ = 0.02",
        "L = Σ yᵢ = 16",
        "1  1 × 1 / 0.5       2          2           0  ✓ kept",
        "2  1 × 0 / 0.5       0          0           0  ✗ dropped",
        "✓ checked: x · mask / (1−p) in NumPy",
        "torch-rand  torch.rand(n) > p, written by hand       1101",
        "torch-cpu   nn.Dropout on any CPU since PyTorch 2.7  1111",
        "∂L/∂x (nn.Dropout) = [0.2, 0.4, 0.6, 0.8]ᵀ",
        "Σ |difference| = 0.6",
        "4   8         4      8       64        0.4",
        "✓ checked: the 14 claims of the steps above hold",
    ):
        assert line in text


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_says_something_true_of_every_problem(cli, problem, language):
    args = PROBLEMS[problem].split()
    out = cli("walkthrough", "--lang", language, *args).out
    assert len(re.findall(r"^\d+\. ", out, flags=re.MULTILINE)) == 13
    assert re.search("^✗", out, flags=re.MULTILINE) is None
    assert "nan" not in out.replace("nan。", "").replace("gives nan", "")
    assert "{" not in out.replace("⎧", "")
    assert re.search(r"\b1 (elements|masks)|\b0 elements", out) is None


def test_the_gradients_expectation_is_not_preserved_under_squares(cli, numbers):
    p = Fraction(0.25)
    args = ["--loss", "sum-squares", "-p", "0.25"]
    expected = [2 * v / (1 - p) for v in (2, 4, 6, 8)]
    assert numbers(*args)["why-scale"]["grad_x"] == [float(v) for v in expected]
    for loss in (args, args[2:]):  # the counterexample is told with every loss
        words = cli("walkthrough", "--step", "why-scale", *loss).out
        assert "1.33333 times the gradient 2xᵢ" in " ".join(words.split())


def test_the_ends_of_p_are_told(cli, numbers):
    kept = " ".join(cli("walkthrough", "-p", "0").out.split())
    assert "nothing to make up for" in kept
    assert "At p = 0 nothing is dropped, whatever the seed" in kept
    dropped = " ".join(cli("walkthrough", "-p", "1").out.split())
    assert "both expectations are 0" in dropped
    assert "At p = 1 the two differ, whatever the seed" in dropped
    assert "gives nan" in dropped
    for out in (kept, dropped):
        assert "ther seeds" not in out
        assert "a fresh mask would change" not in out
    assert numbers("-p", "1")["why-scale"]["y"] == [0, 0, 0, 0]


def test_the_pytorch_step_uses_the_problems_seed(numbers):
    told = numbers("--seed", "7", "--rng", "torch-cpu")["pytorch"]
    assert told["seed"] == 7
    assert numbers("--seed", "7", "--rng", "torch-cpu")["gradient"]["kept"] == sum(
        told["masks"]["torch-cpu"]
    )


# Ways to read it


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", [60, 80])
def test_nothing_is_cut(cli, monkeypatch, problem, language, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli("walkthrough", "--lang", language, *PROBLEMS[problem].split()).out
    assert max(map(cell_len, out.splitlines())) <= columns
    assert not re.search(r"\S…", out)  # an ellipsis of rich's; those of mathematics stand alone
    assert not re.search(r"^[，。；：、）]", out, flags=re.MULTILINE)


def told(out):
    return [int(k) for k in re.findall(r"^(\d+)\. ", out, flags=re.MULTILINE)]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (["3"], [3]),
        (["proof"], [7]),
        (["3-6"], [3, 4, 5, 6]),
        (["12", "proof", "1-2"], [1, 2, 7, 12]),
        (["13", "13"], [13]),
    ],
)
def test_some_steps(cli, steps, wanted):
    args = [part for step in steps for part in ("--step", step)]
    assert told(cli("walkthrough", *args).out) == wanted
    ids = [step["id"] for step in cli("walkthrough", "-f", "json", *args).json["steps"]]
    assert ids == [IDS[k - 1] for k in wanted]


@pytest.mark.parametrize("step", ["0", "14", "6-3", "3-99", "prof", "", "-1", "3-"])
def test_a_step_that_there_is_not(cli, step):
    result = cli("walkthrough", f"--step={step}")
    assert (result.code, result.out) == (2, "")
    assert f"step {step!r} is none of the steps" in result.err


def present(keys, *args):
    """What a person in a terminal sees who presses these keys."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "dropout_cli", "walkthrough", "--pause", *args],
        stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(slave)
    seen, keys = "", list(keys)
    while select.select([master], [], [], 30)[0]:
        try:
            seen += os.read(master, 65536).decode()
        except OSError:
            break
        if seen.rstrip().endswith("q: end") and keys:
            seen += "\n"
            while termios.tcgetattr(master)[3] & termios.ECHO:
                time.sleep(0.01)  # until it listens for a key
            os.write(master, keys.pop(0).encode())
    os.close(master)
    return running.wait(timeout=30), seen


def test_pause_waits_for_a_key_and_tells_where_one_is():
    code, seen = present("  q")
    assert code == 0
    assert told(seen.replace("\r", "\n").replace("\x1b[K", "")) == [1, 2, 3]
    assert re.findall(r"\(\d+/13\)", seen) == ["(1/13)", "(2/13)", "(3/13)"]


def test_pause_ends_by_itself_after_the_last_step():
    code, seen = present(" ", "--step", "12-13")
    assert code == 0
    assert told(seen.replace("\r", "\n").replace("\x1b[K", "")) == [12, 13]


def test_pause_is_interrupted_by_ctrl_c():
    code, _ = present("\x03")
    assert code == 130


def test_pause_is_off_where_there_is_no_terminal(cli):
    assert cli("walkthrough", "--pause").out == cli("walkthrough").out


# Ways to keep it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", [".md", ".html", ".svg", ".txt", ".json"])
def test_a_file_in_each_format_says_the_same(cli, tmp_path, suffix, language):
    path = tmp_path / f"notes{suffix}"
    assert cli("walkthrough", "--lang", language, "-o", str(path)).code == 0
    text = path.read_text("utf-8")
    if suffix == ".json":
        text = json.dumps(json.loads(text), ensure_ascii=False)
    for step in load(language)["step"]:
        assert step["title"] in text.replace("&#160;", " ")


def test_an_svg_gives_each_text_the_width_of_its_cells(cli, tmp_path):
    path = tmp_path / "page.svg"
    assert cli("walkthrough", "--lang", "zh", "-o", str(path)).code == 0
    texts = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', path.read_text("utf-8"))
    widths = {
        round(float(length) / cell_len(unescape(text)), 2) for length, text in texts if text.strip()
    }
    assert widths == {12.2}


def test_the_colour_of_a_check_ends_with_it(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = cli("walkthrough", "--step", "9-10").out
    assert re.search(r"\x1b\[[0-9;]*38[0-9;]*m✓ checked", out)  # in the colour of what is kept
    assert "\x1b[1m10. In PyTorch, and what one seed does\x1b[0m" in out
    assert "\nDropout written by hand, to be compared with nn.Dropout:\n" in out


def test_json_holds_the_steps_and_the_trace(cli):
    document = cli("walkthrough", "-f", "json").json
    assert document["schema"] == "dropout-cli/walkthrough/1"
    assert document["trace"] == cli("backward", "-f", "json").json
    for step in document["steps"]:
        assert step.keys() == {"id", "title", "text", "latex", "numbers"}
        assert all((step["text"], step["latex"], step["numbers"]))


NODE = """
const katex = require('katex'), markdown = require('markdown-it')();
const strict = (code) => code === 'unicodeTextInMathMode' ? 'error' : 'ignore';
const katexOptions = { throwOnError: true, strict };
const math = { engine: katex, delimiters: 'dollars', katexOptions };
markdown.use(require('markdown-it-texmath'), math);
const html = markdown.render(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify({
  formulas: (html.match(/class="katex"/g) || []).length,
  tables: (html.match(/<table>/g) || []).length,
  rest: html.replace(/<annotation[^]*?<\\/annotation>/g, '').replace(/<code[^]*?<\\/code>/g, ''),
}));
"""


def has_katex():
    node = shutil.which("node")
    return (
        node
        and not subprocess.run(
            [node, "-e", "require('katex');require('markdown-it-texmath');require('markdown-it')"],
            capture_output=True,
        ).returncode
    )


@pytest.mark.skipif(not has_katex(), reason="node with katex and markdown-it is not installed")
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_renders_with_every_formula(cli, problem, language):
    text = cli("walkthrough", "-f", "markdown", "--lang", language, *PROBLEMS[problem].split()).out
    done = subprocess.run(["node", "-e", NODE], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rendered = json.loads(done.stdout)
    outside_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    inline = len(
        re.findall(r"\$[^$]+\$", re.sub(r"\$\$.*?\$\$", "", outside_code, flags=re.DOTALL))
    )
    displayed = outside_code.count("$$") // 2
    assert rendered["formulas"] == inline + displayed > 60
    assert rendered["tables"] == 6
    assert "$" not in rendered["rest"]
    assert "\\" not in rendered["rest"]


@pytest.mark.parametrize("command", ["walkthrough", "backward", "verify", "masks"])
def test_in_markdown_no_list_runs_into_another(cli, command):
    lines = cli(command, "-f", "markdown", "--loss", "sum").out if command == "backward" else ""
    lines = lines or cli(command, "-f", "markdown").out
    assert re.search(r"^- .*\n\n- ", lines, flags=re.MULTILINE) is None


@pytest.mark.parametrize("command", ["verify", "masks"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_in_markdown_sentences_have_their_formulas_in_latex(cli, command, language):
    text = cli(command, "-f", "markdown", "--lang", language).out
    assert not set("∂ᵢ⊙Σ²") & set(text)


def test_the_chinese_figure(cli, tmp_path):
    path = tmp_path / "figure.svg"
    result = cli("plot", "--lang", "zh", "-o", str(path))
    if result.code == 2:
        assert "no font with Chinese characters is installed" in result.err
        assert list(Path(tmp_path).iterdir()) == []
        pytest.skip("no Chinese font")
    assert result.err == f"已写入 {path}\n"  # and no warning of a glyph that is missing
