"""The claims of a problem, and a comparison with PyTorch or JAX, if installed.

Each framework draws the mask itself and differentiates by its own autograd.
"""

import platform
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES
from dropout_cli.masks import draw
from dropout_cli.problem import Drawn, Problem
from dropout_cli.proof import claims
from dropout_cli.proof.finding import SILENT, Finding
from dropout_cli.trace import Trace
from dropout_cli.verify.load import quote
from dropout_cli.verify.tolerance import rounding

Passes = tuple[Mask, FloatArray, FloatArray]  # the mask, y and grad_x


class Comparison(NamedTuple):
    """Comparison with a framework.

    version: of the framework; "" if it is not installed, so that nothing was compared.
    source: the name in masks.SOURCES of the masks that it draws.
    """

    version: str
    source: str
    findings: dict[str, Finding]


def check_claims(trace: Trace, against: str | None) -> tuple[list[Finding], Comparison | None]:
    """Check every claim of claims.CLAIMS, and compare with a framework if one is given."""
    found = {name: claims.check(name, trace) for name in claims.CLAIMS}
    comparison = None if against is None else compare_framework(against, trace)
    if comparison is not None:
        found |= comparison.findings
    p = trace.problem.p
    return [finding._replace(id=name, p=p) for name, finding in found.items()], comparison


def compare_framework(name: str, trace: Trace) -> Comparison:
    """Compare a framework's dropout with the trace. name: a name in FRAMEWORKS.

    Raises RequestError where the framework is broken or does not take the seed, and for numbers
    that become infinite in float32, where 0 · ∞ is no number.
    """
    try:
        import_module(name)
    except ModuleNotFoundError:
        return Comparison("", "", {name: SILENT})
    except Exception as error:
        raise RequestError(f"{name} cannot be imported: {quote(error)}") from None
    for key, values in (("x", trace.problem.x), ("grad_y", trace.grad_y), ("y", trace.y)):
        if np.abs(values).max() > np.finfo(np.float32).max:
            raise RequestError(f"{key} is beyond float32, in which frameworks compute")
    return FRAMEWORKS[name](trace)


def _compare_torch(trace: Trace) -> Comparison:
    """Compare nn.Dropout, and a module by hand, both with autograd."""
    import torch
    from torch.nn.functional import dropout

    problem, n = trace.problem, trace.problem.x.size

    def run(seed: int) -> Passes:
        torch.manual_seed(seed)
        mask = dropout(torch.ones(n), problem.p).numpy() != 0
        x = torch.tensor(problem.x, dtype=torch.float32, requires_grad=True)
        torch.manual_seed(seed)
        y = dropout(x, problem.p, training=problem.training)
        y.backward(torch.tensor(_upstream(y.detach().numpy(), problem)))
        return mask, y.detach().numpy(), x.grad.numpy()

    source = nn_dropout_source(torch.__version__, torch.backends.mkl.is_available() and is_intel())
    found = _compare_run("torch", source, trace, run)
    found["torch-module"] = SILENT
    if problem.p < 1 or not problem.training:
        x = torch.tensor(problem.x, requires_grad=True)
        kept = torch.ones(n) if problem.mask is None else torch.tensor(problem.mask)
        y = x * kept / (1 - problem.p if problem.training else 1)
        y.backward(torch.tensor(trace.grad_y.copy()))
        found["torch-module"] = _compare_passes(
            trace, y.detach().numpy(), x.grad.numpy(), "float64"
        )
    return Comparison(torch.__version__, source, found)


def nn_dropout_source(version: str, mkl: bool) -> str:
    """Name the source in masks.SOURCES whose masks nn.Dropout draws on a CPU.

    version: of PyTorch. mkl: whether the CPU is Intel's and PyTorch uses MKL there; its masks
    differed up to PyTorch 2.6 (pytorch/pytorch#146174).
    """
    major, minor = map(int, re.findall(r"\d+", version)[:2])
    return "torch-mkl" if mkl and (major, minor) < (2, 7) else "torch-cpu"


def is_intel() -> bool:
    """Test whether this machine's CPU is Intel's."""
    info = Path("/proc/cpuinfo")  # Linux; elsewhere Python knows
    return "GenuineIntel" in (info.read_text() if info.exists() else platform.processor())


def _compare_jax(trace: Trace) -> Comparison:
    """Compare dropout as Equinox writes it, with jax.vjp."""
    import jax
    import jax.numpy as jnp

    problem, n = trace.problem, trace.problem.x.size

    def run(seed: int) -> Passes:
        mask = jax.random.bernoulli(jax.random.key(seed), float(1 - problem.p), (n,))

        def dropout(x: jax.Array) -> jax.Array:
            if not problem.training or problem.p == 0:
                return x
            return jnp.where(mask, x / (1 - problem.p) if problem.p < 1 else 0 * x, 0)

        y, pull_back = jax.vjp(dropout, jnp.asarray(problem.x, dtype=jnp.float32))
        (grad_x,) = pull_back(jnp.asarray(_upstream(np.asarray(y), problem)))
        return np.asarray(mask), np.asarray(y), np.asarray(grad_x)

    return Comparison(jax.__version__, "jax", _compare_run("jax", "jax", trace, run))


FRAMEWORKS = {"torch": _compare_torch, "jax": _compare_jax}


def _compare_run(
    name: str, source: str, trace: Trace, run: Callable[[int], Passes]
) -> dict[str, Finding]:
    """Compare a framework's mask with the one that its source draws, and both its passes."""
    problem, n = trace.problem, trace.problem.x.size
    seed = problem.drawn.seed if problem.drawn else 0
    expected = draw(source, seed, n, problem.p)  # refuses a seed that the framework does not take
    mask, y, grad_x = run(seed)
    found = {}
    if problem.training:
        different = int((mask != expected).sum())
        found[f"{name}-mask"] = Finding(float(different), different == 0, n)
        trace = Trace(replace(problem, mask=mask, drawn=Drawn(source, seed)))
    found[f"{name}-dropout"] = _compare_passes(trace, y, grad_x, "float32")
    return found


def _upstream(y: FloatArray, problem: Problem) -> FloatArray:
    """Compute ∂L/∂y in float32; where it follows from a loss, from the framework's own y."""
    if problem.grad_y is not None:
        return problem.grad_y.astype(np.float32)
    assert problem.loss is not None
    return np.asarray(LOSSES[problem.loss].gradient(y, y.size), dtype=np.float32)


def _compare_passes(trace: Trace, y: FloatArray, grad_x: FloatArray, dtype: str) -> Finding:
    """Compare both passes of a framework with the trace."""
    worst, ok = 0.0, True
    for about, found, ours in (("y", y, trace.y), ("grad_x", grad_x, trace.grad_x)):
        theirs = found.astype(np.float64)
        worst = float(np.maximum(worst, np.abs(theirs - ours).max()))  # nan stays nan
        ok = ok and bool(rounding(trace, about, dtype).near(theirs, ours).all())
    return Finding(worst, ok, trace.y.size)
