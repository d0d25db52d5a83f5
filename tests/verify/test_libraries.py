"""The dropout of other libraries, each wrapped as a function and judged, where it is installed."""

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

from dropout_cli import check

Run = Callable[[np.ndarray, np.ndarray, float, bool], tuple[np.ndarray, np.ndarray]]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def of_jax(call: Callable[[float, bool, Any], Callable[[Any], Any]]) -> Run:
    """Wrap call(p, training, key), which returns a function of x."""
    jax = pytest.importorskip("jax")
    seeds = count()

    def run(
        x: np.ndarray, grad_y: np.ndarray, p: float, training: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        y, backward = jax.vjp(call(p, training, jax.random.key(next(seeds))), jax.numpy.asarray(x))
        return np.asarray(y), np.asarray(backward(jax.numpy.asarray(grad_y))[0])

    return run


def equinox() -> Run:
    nn = pytest.importorskip("equinox").nn
    return of_jax(
        lambda p, training, key: lambda x: nn.Dropout(p)(x, key=key, inference=not training)
    )


def flax_linen() -> Run:
    nn = pytest.importorskip("flax.linen")
    return of_jax(
        lambda p, training, key: (
            lambda x: nn.Dropout(p, deterministic=not training).apply({}, x, rngs={"dropout": key})
        )
    )


def flax_nnx() -> Run:
    nnx = pytest.importorskip("flax.nnx")
    return of_jax(
        lambda p, training, key: (
            lambda x: nnx.Dropout(p, deterministic=not training, rngs=nnx.Rngs(dropout=key))(x)
        )
    )


def haiku() -> Run:
    dropout = pytest.importorskip("haiku").dropout
    return of_jax(lambda p, training, key: lambda x: dropout(key, p, x) if training else x)


def keras(monkeypatch: pytest.MonkeyPatch) -> Run:
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    layers = pytest.importorskip("keras").layers
    known: dict[float, Any] = {}

    def call(p: float, training: bool, _: Any) -> Callable[[Any], Any]:
        layer = known.setdefault(p, layers.Dropout(p))
        return lambda x: layer(x, training=training)

    return of_jax(call)


def mlx() -> Run:
    core, nn = pytest.importorskip("mlx.core"), pytest.importorskip("mlx.nn")

    def run(
        x: np.ndarray, grad_y: np.ndarray, p: float, training: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        layer = nn.Dropout(p).train(training)
        (y,), (grad_x,) = core.vjp(layer, [core.array(x)], [core.array(grad_y)])
        return np.array(y), np.array(grad_x)

    return run


def paddle() -> Run:
    paddle = pytest.importorskip("paddle")

    def run(
        x: np.ndarray, grad_y: np.ndarray, p: float, training: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        leaf = paddle.to_tensor(x, stop_gradient=False)
        y = paddle.nn.functional.dropout(leaf, p, training=training)
        y.backward(paddle.to_tensor(grad_y))
        return y.numpy(), leaf.grad.numpy()

    return run


@pytest.mark.parametrize("library", [flax_linen, flax_nnx, haiku, mlx, paddle])
def test_a_library_is_right(library: Callable[[], Run]) -> None:
    check(library(), [0, 0.3, 1])


def test_keras_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    check(keras(monkeypatch), [0, 0.3, 1])


def test_the_gradient_of_equinox_is_nan_at_p_1() -> None:
    run = equinox()
    check(run, [0, 0.3])
    with pytest.raises(AssertionError, match=r"At p = 1, ∂L/∂x is wrong .* 0/0"):
        check(run, 1)
