"""The masks and the two passes against NumPy's, PyTorch's, JAX's and MKL's own."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from problems import diagnose
from running import slow

from dropout_cli import Problem, Trace, backward, forward
from dropout_cli.masks import BLOCK, draw
from dropout_cli.verify.frameworks import is_intel, nn_dropout_source
from dropout_cli.verify.tolerance import tolerance

MEASURED = (2, 13)  # the newest PyTorch whose masks were compared with the sources
PS = (0.0, 0.1, 0.25, 0.5, 0.9, 1.0)
TORCH_SEEDS = (0, 42, -1, 2**64 - 1, 1, -5, 2**31, 2**32 - 1, 2**32, 2**32 + 7, 2**63, -(2**63))
JAX_SEEDS = (0, 42, -1, 2**63 - 1, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32 + 7, -(2**63))
CASES = pytest.mark.parametrize(
    ("seeds", "sizes"),  # so many seeds, and these lengths
    [(3, (1, 4, BLOCK + 1)), slow(12, (1, 4, BLOCK - 1, BLOCK + 1, 1_000_003))],
)

# The masks


def report(source: str, framework: str, compared: int, different: int) -> None:
    print(f"\n{source:<16} {framework:<28} {compared:>12,} elements {different:>3} differ")
    assert different == 0 < compared


@pytest.mark.parametrize("before", [0, 7])
@pytest.mark.parametrize("p", [*PS, 0.3, 0.7, 1e-6])
def test_no_mask_differs_from_numpys(before: int, p: float) -> None:
    """Each number that numpy.random.rand draws takes two draws of 32 bits."""
    sources: dict[str, Callable[[int], Any]] = {
        "numpy-rand": lambda n: np.random.rand(n) < 1 - p,  # noqa: NPY002
        "numpy-binomial": lambda n: np.random.binomial(1, 1 - p, n),  # noqa: NPY002
    }
    for seed, n, rng in product((0, 1, 42, 2**31, 2**32 - 1), (1, 4, 1000), sources):
        np.random.seed(seed)  # noqa: NPY002
        np.random.rand(before)  # noqa: NPY002
        assert np.array_equal(draw(rng, seed, n, p, 2 * before), sources[rng](n))


def dropout_of(torch) -> str:
    """Name the source that this PyTorch's nn.Dropout is."""
    return nn_dropout_source(torch.__version__, torch.backends.mkl.is_available() and is_intel())


@CASES
def test_no_mask_differs_from_pytorchs(capsys, seeds, sizes):
    torch = pytest.importorskip("torch")
    source = dropout_of(torch)
    counts = {"torch-rand": [0, 0], source: [0, 0]}
    for seed, n, p in product(TORCH_SEEDS[:seeds], sizes, PS):
        torch.manual_seed(seed)
        drawn = {"torch-rand": (torch.rand(n) > p).numpy()}
        torch.manual_seed(seed)
        drawn[source] = (torch.nn.Dropout(p)(torch.ones(n)) != 0).numpy()
        for rng, mask in drawn.items():
            counts[rng][0] += n
            counts[rng][1] += int((mask != draw(rng, seed, n, p)).sum())
    newer = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2])) > MEASURED
    if counts[source][1] and newer:
        pytest.skip(f"PyTorch {torch.__version__} draws masks of its own, not those of {source}")
    with capsys.disabled():
        for rng, (compared, different) in counts.items():
            report(rng, f"torch {torch.__version__}", compared, different)


BEFORE = {  # how many draws it takes of the stream, as the README says
    "torch.rand(10)": 10,
    "torch.rand(5, dtype=torch.float64)": 10,
    "torch.randint(10, (7,))": 7,
    "torch.randn(3)": 8,
    "torch.randn(15)": 32,
    "torch.randn(4, 8)": 32,
    "torch.randn(5, 5)": 41,
    "torch.randperm(9)": 8,
    "torch.nn.Linear(3, 3)": 12,
    "torch.nn.Linear(10, 5)": 55,
    "torch.nn.Conv2d(1, 2, 3)": 20,
    "torch.nn.Dropout(0.3)(torch.ones(6))": 12,
    "torch.nn.Dropout(0.0)(torch.ones(6))": 0,
    "torch.nn.Dropout(1.0)(torch.ones(6))": 0,
}


@pytest.mark.parametrize(("before", "skip"), BEFORE.items())
def test_what_was_drawn_before_takes_so_many_draws(before: str, skip: int) -> None:
    torch = pytest.importorskip("torch")
    source = dropout_of(torch)
    if "Dropout(0.3)" in before and source == "torch-mkl":
        pytest.skip("MKL's dropout takes other draws")
    for seed, p in product((0, 42, 2**40), (0.2, 0.5)):
        torch.manual_seed(seed)
        eval(before)
        rand = (torch.rand(1000) > p).numpy()
        assert np.array_equal(draw("torch-rand", seed, 1000, p, skip), rand)
        torch.manual_seed(seed)
        eval(before)
        dropout = (torch.nn.Dropout(p)(torch.ones(1000)) != 0).numpy()
        assert np.array_equal(draw(source, seed, 1000, p, skip), dropout)


@CASES
def test_no_mask_differs_from_jaxs(capsys, seeds, sizes):
    jax = pytest.importorskip("jax")
    compared = different = 0
    for seed, n, p in product(JAX_SEEDS[:seeds], sizes, PS):
        mask = np.asarray(jax.random.bernoulli(jax.random.key(seed), 1 - p, (n,)))
        compared += n
        different += int((mask != draw("jax", seed, n, p)).sum())
    with capsys.disabled():
        report("jax", f"jax {jax.__version__}", compared, different)


MKL = """
import ctypes, itertools, json, sys
import numpy as np
from dropout_cli.masks import draw
mkl = ctypes.CDLL(sys.argv[1])
seeds, sizes, ps = json.loads(sys.argv[2])
compared = different = 0
for seed, n, p in itertools.product(seeds, sizes, ps):
    state = np.random.RandomState(seed % 2**32)
    first = int.from_bytes(state.bytes(4), 'little')
    stream, drawn = ctypes.c_void_p(), np.empty(n, dtype=np.int32)
    assert mkl.vslNewStream(ctypes.byref(stream), 0x100000, ctypes.c_uint(first)) == 0
    into = drawn.ctypes.data_as(ctypes.c_void_p)
    assert mkl.viRngBernoulli(0, stream, n, into, ctypes.c_double(1 - p)) == 0
    mkl.vslDeleteStream(ctypes.byref(stream))
    compared += n
    different += int((drawn.astype(bool) != draw('torch-mkl', seed, n, p)).sum())
print(json.dumps([compared, different]))
"""


@CASES
def test_no_mask_differs_from_mkls(capsys, seeds, sizes):
    """In a process of its own, as a framework may have loaded another copy of MKL."""
    libraries = sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))
    if not libraries:
        pytest.skip("mkl is not installed")
    cases = json.dumps([TORCH_SEEDS[:seeds], sizes, [p for p in (*PS, 0.3, 1e-6) if p > 0]])
    command = [sys.executable, "-c", MKL, str(libraries[0]), cases]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        report("torch-mkl", "mkl, viRngBernoulli", *json.loads(done.stdout))


# Which source nn.Dropout is


@pytest.mark.parametrize(
    ("version", "mkl", "source"),
    [  # measured on an Intel CPU with MKL: 2.6.0, 2.7.0, 2.13.0; elsewhere MKL draws nothing
        ("2.6.0+cpu", True, "torch-mkl"), ("2.6.0", False, "torch-cpu"),
        ("1.13.1", True, "torch-mkl"), ("2.7.0", True, "torch-cpu"),
        ("2.10.0a0+git1", True, "torch-cpu"), ("3.0", True, "torch-cpu"),
    ],
)  # fmt: skip
def test_the_source_of_nn_dropout_follows_from_version_and_cpu(version, mkl, source):
    assert nn_dropout_source(version, mkl) == source


# The two passes

LOSSES = {
    "sum": lambda y: y.sum(),
    "mean": lambda y: y.mean(),
    "sum-squares": lambda y: (y**2).sum(),
}


@pytest.mark.parametrize("p", [0, 0.1, 0.3, 0.5, 0.9])  # the formula divides by 0 at p = 1
@pytest.mark.parametrize("loss", [None, *LOSSES])
def test_both_passes_are_autograds_through_the_formula(p, loss):
    torch = pytest.importorskip("torch")
    x, grad_y = np.random.default_rng(1).normal(size=(2, 1000))
    trace = Trace(Problem.create(x, p, seed=3, loss=loss, grad_y=None if loss else grad_y))
    tensor = torch.tensor(x, requires_grad=True)
    mask = torch.tensor(trace.problem.mask)
    y = torch.where(mask, tensor / (1 - p), 0)
    if loss:
        value = LOSSES[loss](y)
        value.backward()
        assert trace.loss_value == pytest.approx(value.item(), rel=1e-12, abs=0)
    else:
        y.backward(torch.tensor(grad_y))
    np.testing.assert_allclose(trace.y, y.detach().numpy(), rtol=1e-15, atol=0)
    np.testing.assert_allclose(trace.grad_x, tensor.grad.numpy(), rtol=1e-15, atol=0)


@pytest.mark.parametrize("p", [0, 0.1, 0.3, 0.5, 0.9, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_passes_are_nn_dropouts_with_the_mask_that_it_drew(p, dtype):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    allowed, dtype = tolerance(dtype, p), getattr(torch, dtype)
    x = torch.randn(1000, dtype=dtype, requires_grad=True)
    grad_y = torch.randn(1000, dtype=dtype)
    y = torch.nn.Dropout(p)(x)
    y.backward(grad_y)
    mask = (y != 0).numpy()
    problem = Problem.create(x.detach().numpy(), p, mask, grad_y=grad_y.numpy())
    for about, computed in (("y", y.detach()), ("grad_x", x.grad)):
        assert diagnose(Trace(problem), about, computed.numpy().astype(float), allowed) is None
    rtol = 2 * torch.finfo(dtype).eps
    ours = forward(x.detach().numpy(), mask, p)
    assert ours.dtype == y.detach().numpy().dtype
    np.testing.assert_allclose(ours, y.detach().numpy(), rtol=rtol, atol=0)
    ours = backward(grad_y.numpy(), mask, p)
    np.testing.assert_allclose(ours, x.grad.numpy(), rtol=rtol, atol=0)


def test_both_passes_are_nn_dropouts_in_inference():
    torch = pytest.importorskip("torch")
    x = torch.randn(10, requires_grad=True)
    y = torch.nn.Dropout(0.5).eval()(x)
    y.backward(torch.arange(10.0))
    assert forward(x.detach().numpy(), None, 0.5).tolist() == y.tolist()
    assert backward(np.arange(10.0, dtype=np.float32), None, 0.5).tolist() == x.grad.tolist()
