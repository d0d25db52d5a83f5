"""The traces held against PyTorch and JAX, where they are installed.

Each framework draws the mask itself and differentiates by its own autograd.
"""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn, Problem
from dropout_cli.proof.finding import SILENT, Finding
from dropout_cli.trace import Trace
from dropout_cli.verify.load import quote
from dropout_cli.verify.tolerance import rounding

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray, Mask


class Comparison(NamedTuple):
    """Comparison with a framework: what was compared, and what was found.

    version: of the framework. source: the name in masks.SOURCES of the masks that it draws.
    """

    version: str
    source: str
    findings: dict[str, Finding]


def against_torch(trace: Trace) -> Comparison:
    """nn.Dropout and a module by hand, both with autograd, against the trace.

    Raises ModuleNotFoundError where PyTorch is not installed, and RequestError where it is broken,
    does not take the seed, or a float32 cannot hold the problem's numbers.
    """
    _must_import("torch")
    import torch

    _must_fit(trace)
    problem, n = trace.problem, trace.problem.x.size
    seed = problem.drawn.seed if problem.drawn else 0
    source = nn_dropout(torch.__version__, torch.backends.mkl.is_available() and intel())
    foretold = draw(source, seed, n, problem.p)
    x = torch.tensor(problem.x, dtype=torch.float32, requires_grad=True)
    torch.manual_seed(seed)
    y = torch.nn.functional.dropout(x, problem.p, training=problem.training)
    upstream = _upstream(y.detach().numpy(), problem)
    y.backward(torch.tensor(upstream))
    found = {}
    mask = None
    if problem.training:
        torch.manual_seed(seed)
        mask = (torch.nn.functional.dropout(torch.ones(n), problem.p) != 0).numpy()
        found["torch-mask"] = _masks(mask, foretold)
    found["torch-dropout"] = _passes(
        problem, mask, Drawn(source, seed), y.detach().numpy(), x.grad.numpy()
    )
    if problem.p == 1 and problem.training:
        found["torch-module"] = SILENT
        return Comparison(torch.__version__, source, found)
    x = torch.tensor(problem.x, requires_grad=True)
    kept = torch.ones(n) if problem.mask is None else torch.tensor(problem.mask)
    y = x * kept / (1 - problem.p if problem.training else 1)
    y.backward(torch.tensor(trace.grad_y.copy()))
    found["torch-module"] = _both(trace, y.detach().numpy(), x.grad.numpy(), "float64")
    return Comparison(torch.__version__, source, found)


def nn_dropout(version: str, mkl: bool) -> str:
    """The source in masks.SOURCES whose masks nn.Dropout draws on a CPU.

    version: of PyTorch. mkl: whether the CPU is Intel's and PyTorch uses MKL there; its masks
    differed up to PyTorch 2.6 (pytorch/pytorch#146174).
    """
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    return "torch-mkl" if mkl and (major, minor) < (2, 7) else "torch-cpu"


def intel() -> bool:
    """Whether this machine's CPU is Intel's."""
    info = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows
    return "GenuineIntel" in (info.read_text() if info.exists() else platform.processor())


def against_jax(trace: Trace) -> Comparison:
    """Dropout as Equinox writes it, with jax.vjp, against the trace.

    Raises as against_torch does.
    """
    _must_import("jax")
    import jax
    import jax.numpy as jnp

    _must_fit(trace)
    problem, n = trace.problem, trace.problem.x.size
    seed = problem.drawn.seed if problem.drawn else 0
    foretold = draw("jax", seed, n, problem.p)
    mask, found = None, {}
    if problem.training:
        drawn = jax.random.bernoulli(jax.random.key(seed), float(1 - problem.p), (n,))
        mask = np.asarray(drawn)
        found["jax-mask"] = _masks(mask, foretold)

    def dropout(x: jax.Array) -> jax.Array:
        if mask is None or problem.p == 0:
            return x
        return jnp.where(mask, x / (1 - problem.p) if problem.p < 1 else 0 * x, 0)

    y, pull_back = jax.vjp(dropout, jnp.asarray(problem.x, dtype=jnp.float32))
    (grad_x,) = pull_back(jnp.asarray(_upstream(np.asarray(y), problem)))
    found["jax-dropout"] = _passes(
        problem, mask, Drawn("jax", seed), np.asarray(y), np.asarray(grad_x)
    )
    return Comparison(jax.__version__, "jax", found)


FRAMEWORKS = {"torch": against_torch, "jax": against_jax}


def _must_import(name: str) -> None:
    """Import the framework; RequestError where it is there, but broken."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise RequestError(f"{name} cannot be imported: {quote(error)}") from None


def _must_fit(trace: Trace) -> None:
    """Refuse numbers that become infinite in float32, where 0 · ∞ is no number."""
    for name, values in (("x", trace.problem.x), ("grad_y", trace.grad_y), ("y", trace.y)):
        large = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
        if large.size:
            told = f"element {large[0] + 1} of {name} is {values[large[0]]:.6g}"
            raise RequestError(f"{told}, which is beyond float32, in which frameworks compute")


def _upstream(y: FloatArray, problem: Problem) -> FloatArray:
    """∂L/∂y in float32; where it follows from a loss, from the framework's own y."""
    if problem.grad_y is not None:
        return problem.grad_y.astype(np.float32)
    assert problem.loss is not None
    return np.asarray(LOSSES[problem.loss].gradient(y, y.size), dtype=np.float32)


def _masks(mask: Mask, foretold: Mask) -> Finding:
    """The framework's mask against the one that its source in masks.SOURCES draws."""
    different = int((mask != foretold).sum())
    return Finding(float(different), different == 0, mask.size)


def _passes(
    problem: Problem, mask: Mask | None, drawn: Drawn, y: FloatArray, grad_x: FloatArray
) -> Finding:
    """Both passes of a framework against a trace with the framework's mask."""
    ours = Trace(replace(problem, mask=mask, drawn=None if mask is None else drawn))
    return _both(ours, y, grad_x, "float32")


def _both(trace: Trace, y: FloatArray, grad_x: FloatArray, dtype: str) -> Finding:
    worst, ok = 0.0, True
    for about, found, ours in (("y", y, trace.y), ("grad_x", grad_x, trace.grad_x)):
        theirs = found.astype(np.float64)
        worst = float(np.maximum(worst, np.abs(theirs - ours).max()))  # nan stays nan
        ok = ok and bool(rounding(trace, about, dtype).near(theirs, ours).all())
    return Finding(worst, ok, trace.y.size)
