"""The traces held against PyTorch and JAX, where they are installed.

Each framework draws the mask itself and differentiates by its own autograd.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.claims import Finding
from dropout_cli.errors import RequestError
from dropout_cli.masks import draw
from dropout_cli.mistakes import near
from dropout_cli.problem import Drawn, Problem
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from dropout_cli.dropout import FloatArray, Mask

FLOAT32 = 3 * 2.0**-23  # relative: two roundings of the framework's, one of its inputs
FLOAT64 = 4 * 2.0**-52


def against_torch(trace: Trace) -> dict[str, Finding]:
    """nn.Dropout and a module by hand, both with autograd, against the trace.

    Raises ImportError where PyTorch is not installed.
    """
    import torch

    problem, n = trace.problem, trace.problem.x.size
    seed = problem.drawn.seed if problem.drawn else 0
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
        found["torch-mask"] = _masks(mask, ("torch-cpu", "torch-cpu-intel"), seed, problem)
    found["torch-dropout"] = _passes(problem, mask, y.detach().numpy(), x.grad.numpy(), FLOAT32)
    if problem.p == 1 and problem.training:
        found["torch-module"] = Finding(0.0, None, 0)
        return found
    x = torch.tensor(problem.x, requires_grad=True)
    kept = torch.ones(n) if problem.mask is None else torch.tensor(problem.mask)
    y = x * kept / (1 - problem.p if problem.training else 1)
    y.backward(torch.tensor(trace.grad_y.copy()))
    found["torch-module"] = _both(trace, y.detach().numpy(), x.grad.numpy(), FLOAT64)
    return found


def against_jax(trace: Trace) -> dict[str, Finding]:
    """Dropout as Equinox writes it, with jax.grad, against the trace.

    Raises ImportError where JAX is not installed.
    """
    import jax
    import jax.numpy as jnp

    problem, n = trace.problem, trace.problem.x.size
    seed = problem.drawn.seed if problem.drawn else 0
    mask, found = None, {}
    if problem.training:
        drawn = jax.random.bernoulli(jax.random.key(seed), float(1 - problem.p), (n,))
        mask = np.asarray(drawn)
        found["jax-mask"] = _masks(mask, ("jax",), seed, problem)

    def dropout(x: jax.Array) -> jax.Array:
        if mask is None or problem.p == 0:
            return x
        return jnp.where(mask, x / (1 - problem.p) if problem.p < 1 else 0 * x, 0)

    y, pull_back = jax.vjp(dropout, jnp.asarray(problem.x, dtype=jnp.float32))
    (grad_x,) = pull_back(jnp.asarray(_upstream(np.asarray(y), problem)))
    found["jax-dropout"] = _passes(problem, mask, np.asarray(y), np.asarray(grad_x), FLOAT32)
    return found


FRAMEWORKS = {"torch": against_torch, "jax": against_jax}


def _upstream(y: FloatArray, problem: Problem) -> FloatArray:
    match problem.loss:
        case "sum":
            return np.ones_like(y)
        case "sum-squares":
            return 2 * y
        case _:
            assert problem.grad_y is not None
            return problem.grad_y.astype(np.float32)


def _masks(mask: Mask, names: tuple[str, ...], seed: int, problem: Problem) -> Finding:
    """The framework's mask against the sources that may reproduce it."""
    try:
        least = min(int((draw(name, seed, mask.size, problem.p) != mask).sum()) for name in names)
    except RequestError:
        least = mask.size
    return Finding(float(least), least == 0, mask.size)


def _passes(
    problem: Problem, mask: Mask | None, y: FloatArray, grad_x: FloatArray, rtol: float
) -> Finding:
    """Both passes of a framework against a trace with the framework's mask."""
    drawn = None if mask is None else Drawn("numpy", 0)
    ours = Trace(Problem(problem.x, problem.p, mask, drawn, problem.grad_y, problem.loss))
    return _both(ours, y, grad_x, rtol)


def _both(trace: Trace, y: FloatArray, grad_x: FloatArray, rtol: float) -> Finding:
    worst, ok = 0.0, True
    for found, ours in ((y, trace.y), (grad_x, trace.grad_x)):
        theirs = found.astype(np.float64)
        worst = max(worst, float(np.abs(theirs - ours).max()))
        ok = ok and bool(near(theirs, ours, rtol).all())
    return Finding(worst, ok, trace.y.size)
