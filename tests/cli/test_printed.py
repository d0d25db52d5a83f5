"""Vectors as they are printed, and pasted."""

import json
import time

import numpy as np
import pytest
from running import slow

from dropout_cli.cli.printed import parse

# What was on the screen: the numbers in it, and the shape where it is a matrix.
PASTED = [
    # written by hand
    ("1,-2,3", [1, -2, 3]),
    ("1 -2 3", [1, -2, 3]),
    ("1, -2 ; 3", "element 3 of x is ';', which is not a number"),
    ("1，-2、3", [1, -2, 3]),
    ("1, −2, 3", [1, -2, 3]),
    ("1,,3", "x has two commas with no number between them"),
    # Python
    ("[1.0, -2.0, 3.0]", [1, -2, 3]),
    ("(1.0, -2.0, 3.0,)", [1, -2, 3]),
    ("x = [1.0, -2.0, 3.0]", [1, -2, 3]),
    ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    ("[[1, 2], [3]]", "x has rows of different lengths, but they must be one"),
    ("[1, [2]]", "x has rows of different lengths, but they must be one"),
    ("[1, 2", "x has brackets that do not match"),
    ("[True, False]", "element 1 of x is 'True', which is not a number"),
    # NumPy
    ("[1. 2. 3.]", [1, 2, 3]),
    ("[ 1.5e-03 -2.0e+00]", [0.0015, -2]),
    ("array([1., 2.], dtype=float32)", [1, 2]),
    ("np.array([[1, 2],\n          [3, 4]])", [[1, 2], [3, 4]]),
    ("[[1. 2.]\n [3. 4.]]", [[1, 2], [3, 4]]),
    ("[1. 2.]\n[3. 4.]", [[1, 2], [3, 4]]),
    ("[np.float64(1.5), np.float64(-2.0)]", [1.5, -2]),
    ("1.5 2.5\n3.5 4.5\n", [[1.5, 2.5], [3.5, 4.5]]),  # np.savetxt
    ("[0.1 0.2 ... 0.8 0.9]", "x has an ellipsis, where numbers are missing: print all of them"),
    # PyTorch, JAX, TensorFlow
    ("tensor([1.0000, -2.0000, 3.0000])", [1, -2, 3]),
    ("tensor([4., 0., 12., 0.], grad_fn=<MulBackward0>)", [4, 0, 12, 0]),
    ("tensor([1.2e-05, 3.0], device='cuda:0', dtype=torch.float64)", [1.2e-5, 3]),
    ("tensor([[1., 2.],\n        [3., 4.]], requires_grad=True)", [[1, 2], [3, 4]]),
    ("Parameter containing:\ntensor([1., 2.], requires_grad=True)", [1, 2]),
    ("Array([1., 2.], dtype=float32, weak_type=True)", [1, 2]),
    ("tf.Tensor([1. 2.], shape=(2,), dtype=float32)", [1, 2]),
    ("tensor([0.1, 0.2,  ..., 0.9])", "x has an ellipsis, where numbers are missing"),
    # our own tables
    ("x = [1, -2, 3]ᵀ", [1, -2, 3]),
    ("[1, -2, 3]^T", [1, -2, 3]),
    ("∂L/∂y = [0.1, 0.2]ᵀ", [0.1, 0.2]),
    ("[1, 2, …, 9]ᵀ", "x has an ellipsis, where numbers are missing"),
]


@pytest.mark.parametrize(("text", "expected"), PASTED, ids=[text for text, _ in PASTED])
@pytest.mark.parametrize("place", ["option", slow("file"), slow("standard input")])
def test_what_becomes_of_a_pasted_text(cli, tmp_path, text, expected, place):
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    value = {"option": text, "file": f"@{path}", "standard input": "-"}[place]
    result = cli("forward", "-x", value, "-f", "json", stdin=text.encode())
    if isinstance(expected, str):
        assert expected in result.error
    else:
        assert result.json["x"] == np.ravel(expected).tolist()
        shown = "2 × 2, row by row" in cli("forward", "-x", value, stdin=text.encode()).out
        assert shown == (np.ndim(expected) == 2)


MASKS = [
    ("1010", [1, 0, 1, 0]), ("1 0 1 0", [1, 0, 1, 0]), ("10 10", [1, 0, 1, 0]),
    ("10\n10", [1, 0, 1, 0]), ("[1, 0, 1, 0]ᵀ", [1, 0, 1, 0]),
    ("[ True False  True False]", [1, 0, 1, 0]), ("True, False, True, False", [1, 0, 1, 0]),
    ("tensor([ True, False,  True, False])", [1, 0, 1, 0]),
    ("[np.True_, np.False_, np.True_, np.False_]", [1, 0, 1, 0]),
    ("[[True, False], [True, False]]", [1, 0, 1, 0]), ("tensor([1., 0., 1., 0.])", [1, 0, 1, 0]),
    ("10 1 0", "mask has length 3"), ("1020", "element 3 of mask is 2"),
    ("yes,no,yes,no", "element 1 of mask is 'yes', which is not a number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MASKS)
def test_what_becomes_of_a_pasted_mask(cli, text, expected):
    result = cli("forward", "-m", text, "-f", "json")
    if isinstance(expected, str):
        assert expected in result.error
    else:
        assert result.json["mask"] == expected
        assert cli("masks", "--mask", text, "-f", "json").code == 0
        find = cli("masks", "--find", text, "--below", "5", "-f", "json")
        assert find.json["find"] == expected


@pytest.mark.parametrize("option", ["-g", "--grad-x", "--y"])
def test_every_vector_may_be_pasted(cli, option):
    command = "backward" if option == "-g" else "verify"
    printed = cli(command, option, "tensor([0.2, 0., 0.6, 0.], grad_fn=<MulBackward0>)")
    assert printed == cli(command, option, "0.2,0.,0.6,0.")
    assert printed.code < 2


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_what_a_table_prints_can_be_pasted_back(cli, command, language):
    problem = ["-x", "1.5,-2,3", "-p", "0.25"]
    out = cli(command, *problem, "--seed", "3", "--lang", language).out
    (mask,) = [line for line in out.splitlines() if line.startswith("m = ")]
    given = cli("forward", *problem, "-m", mask[: mask.index("ᵀ") + 1])
    drawn = cli("forward", *problem, "--seed", "3")
    assert given.out.splitlines()[-3:] == drawn.out.splitlines()[-3:]


def test_a_matrix_of_a_file_is_read_row_by_row(cli, tmp_path):
    matrix = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "c.npy", matrix)
    np.save(tmp_path / "fortran.npy", np.asfortranarray(matrix))
    np.save(tmp_path / "three.npy", matrix.reshape(1, 2, 3))
    (tmp_path / "x.json").write_text(json.dumps(matrix.tolist()))
    shapes = dict.fromkeys(("c.npy", "fortran.npy", "x.json"), "2 × 3") | {"three.npy": "1 × 2 × 3"}
    for name, shape in shapes.items():
        path = f"@{tmp_path / name}"
        assert cli("backward", "-x", path, "-f", "json").json["x"] == [0, 1, 2, 3, 4, 5]
        assert f"the input, {shape}, row by row" in cli("forward", "-x", path).out
        assert f"输入，{shape}，逐行排列" in cli("forward", "-x", path, "--lang", "zh").out


def test_the_shape_of_the_mask_alone_is_the_shape_too(cli):
    masked = cli("forward", "-x", "1,2,3,4", "-m", "[[1, 0], [0, 1]]")
    assert "2 × 2, row by row" in masked.out


@pytest.mark.parametrize(
    "text",
    ["[[1, 2, 3], [4, 5, 6]]", "[1 2 3]\n[4 5 6]", "1 2 3\n4 5 6", "1, 2, 3,\n4, 5, 6",
     "([1, 2, 3], [4, 5, 6])", "tensor([[1., 2., 3.],\n        [4., 5., 6.]])"],
)  # fmt: skip
def test_rows_and_columns_are_not_mixed_up(text):
    vector = parse(text, "x")
    assert vector.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert vector.shape == (2, 3)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.0, 2.25", ["1.0", "2.25"]), ("[1.     2.1234]", ["1.", "2.1234"]),
        ("tensor([1.0000, -2.5000], dtype=torch.float64)", ["1.0000", "-2.5000"]),
        ("[[1.500e-05], [−2.000e+00]]", ["1.500e-05", "-2.000e+00"]),
    ],
)  # fmt: skip
def test_each_number_keeps_the_digits_that_were_written(text, written):
    vector = parse(text, "x")
    assert list(vector.written) == written
    assert vector.values.tolist() == [float(each) for each in written]


SHAPES = pytest.mark.parametrize(
    "shape", [(3, 5), *map(slow, [(1,), (7,), (40,), (2, 3, 4)])], ids=str
)
SCALES = pytest.mark.parametrize("scale", [1, 1e-6, 1e5, 1e12])


@SHAPES
@SCALES
def test_prints_of_numpy_are_read(shape, scale):
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32, np.int64):
        array = (rng.normal(size=shape) * scale).astype(dtype)
        for text in (str(array), repr(array), str(array.tolist()), str(list(array.ravel()))):
            vector = parse(text, "x")
            printed = float(max(1e-8, abs(array).max() * 1e-8))
            assert vector.values == pytest.approx(array.ravel(), rel=1e-7, abs=printed)
            assert vector.shape in (shape, (array.size,))
        kept = array > 0
        for text in (str(kept), repr(kept), str(kept.tolist()), str(list(kept.ravel()))):
            assert parse(text, "mask").values.tolist() == kept.ravel().tolist()
    assert parse(repr(array), "x").shape == shape


@pytest.mark.slow
@SHAPES
@SCALES
def test_prints_of_pytorch_are_read(shape, scale):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    x = (torch.randn(shape) * scale).requires_grad_()
    y = torch.nn.functional.dropout(x, 0.5)
    for tensor in (x, y, y.double(), torch.nn.Parameter(x), y.int(), y.bfloat16()):
        values = tensor.detach().double().numpy().ravel()
        vector = parse(str(tensor), "x")
        assert vector.values == pytest.approx(values, rel=1e-4, abs=0.5e-4 * max(1, scale))
        assert vector.shape == shape
    assert parse(str(y != 0), "mask").values.tolist() == (y != 0).ravel().tolist()


@pytest.mark.slow
def test_prints_of_jax_are_read():
    jnp = pytest.importorskip("jax.numpy")
    array = jnp.arange(6.0).reshape(2, 3) / 7
    for text in (str(array), repr(array)):
        vector = parse(text, "x")
        assert vector.shape == (2, 3)
        assert vector.values == pytest.approx(np.ravel(array), abs=1e-8)


@pytest.mark.parametrize(
    "text",
    ["[" * 10**5, "[" * 10**5 + "1" + "]" * 10**5, "a" * 10**6 + "(", "(" * 10**5, ",a=" * 10**5,
     "a." * 10**5 + "(1)", "1.0" * 10**5 + "e*"],
    ids=lambda text: f"{text[:2]}…{text[-2:]}",
)  # fmt: skip
def test_what_is_no_vector_is_refused_at_once(cli, text):
    started = time.perf_counter()
    assert cli("forward", "-x", "-", stdin=text.encode()).error
    assert time.perf_counter() - started < 5
