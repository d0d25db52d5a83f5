"""The two passes against PyTorch's own, where PyTorch is installed."""

import numpy as np
import pytest
from problems import diagnose

from dropout_cli import Problem, Trace, backward, forward
from dropout_cli.verify.tolerance import tolerance

torch = pytest.importorskip("torch")
LOSSES = {
    "sum": lambda y: y.sum(),
    "mean": lambda y: y.mean(),
    "sum-squares": lambda y: (y**2).sum(),
}


@pytest.mark.parametrize("p", [0, 0.1, 0.3, 0.5, 0.9])  # the formula divides by 0 at p = 1
@pytest.mark.parametrize("loss", [None, *LOSSES])
def test_autograd_through_the_formula(p, loss):
    random = np.random.default_rng(1)
    x, grad_y = random.normal(size=(2, 1000))
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
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nn_dropout_itself(p, dtype):
    """nn.Dropout draws the mask; with that mask both passes are ours, to the type's precision."""
    torch.manual_seed(0)
    x = torch.randn(1000, dtype=dtype, requires_grad=True)
    grad_y = torch.randn(1000, dtype=dtype)
    y = torch.nn.Dropout(p)(x)
    y.backward(grad_y)
    mask = (y != 0).numpy()
    problem = Problem.create(x.detach().numpy(), p, mask, grad_y=grad_y.numpy())
    allowed = tolerance(str(dtype).removeprefix("torch."), p)
    for about, computed in (("y", y.detach()), ("grad_x", x.grad)):
        assert diagnose(Trace(problem), about, computed.numpy().astype(float), allowed) is None
    rtol = 2 * torch.finfo(dtype).eps
    ours = forward(x.detach().numpy(), mask, p)
    assert ours.dtype == y.detach().numpy().dtype
    np.testing.assert_allclose(ours, y.detach().numpy(), rtol=rtol, atol=0)
    ours = backward(grad_y.numpy(), mask, p)
    np.testing.assert_allclose(ours, x.grad.numpy(), rtol=rtol, atol=0)


def test_nn_dropout_in_inference():
    x = torch.randn(10, requires_grad=True)
    y = torch.nn.Dropout(0.5).eval()(x)
    y.backward(torch.arange(10.0))
    assert forward(x.detach().numpy(), None, 0.5).tolist() == y.tolist()
    assert backward(np.arange(10.0, dtype=np.float32), None, 0.5).tolist() == x.grad.tolist()
