"""Layers in PyTorch: right ones, and wrong ones with a mistake each."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from layers.cases import right, wrong

right("nn.Dropout", (), quick=[0.9])(nn.Dropout)
right("an instance of nn.Dropout", ())(nn.Dropout(0.3))
right("nn.Dropout in place", ["input-untouched"])(nn.Dropout(0.25, inplace=True))
wrong({"independent": "one-mask-for-every-column"})(nn.Dropout1d)


@right(unjudged=())
def torch_function(x, grad_y, p, training):
    """nn.functional behind arrays."""
    leaf = torch.tensor(x, requires_grad=True)
    y = functional.dropout(leaf, p, training)
    y.backward(torch.tensor(grad_y))
    return y.detach().numpy(), leaf.grad.numpy()


@right(unjudged=())
class MyDropout(nn.Module):
    """As books write it: torch.rand, and the mask as floats."""

    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        if self.p == 1:
            return torch.zeros_like(x) * x
        mask = (torch.rand(x.shape) > self.p).float()
        return mask * x / (1.0 - self.p)


@wrong({"shape-and-dtype": "wrong-dtype"})
class BFloat16(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.drop = nn.Dropout(p)

    def forward(self, x):
        return self.drop(x.to(torch.bfloat16))


class HandBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(scale)
        return x * scale

    @staticmethod
    def backward(ctx, grad_y):
        return grad_y * ctx.saved_tensors[0], None


@right(unjudged=())
class CustomFunction(MyDropout):
    """An autograd.Function with a backward by hand."""

    def forward(self, x):
        if not self.training:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p)
        return HandBackward.apply(x, kept / (1 - self.p) if self.p < 1 else kept)


@wrong({"p-0": "drops-at-p-0", "values": None, "same-mask": None})
class TorchScaledByP(MyDropout):
    def forward(self, x):
        return functional.dropout(x, self.p, self.training) * (self.p if self.training else 1)


@wrong({"inference": "drops-in-inference"})
class TorchAlways(MyDropout):
    """The commonest of all: F.dropout without training=self.training."""

    def forward(self, x):
        return functional.dropout(x, self.p)


@wrong({"p-0": "gradient-cut", "same-mask": "gradient-cut"})
class TorchThroughNumPy(MyDropout):
    """Leaves autograd on the way, so that there is no gradient."""

    def forward(self, x):
        return torch.from_numpy(functional.dropout(x, self.p, self.training).detach().numpy())


@wrong({"same-mask": "not-applied", "p-1": "keeps-at-p-1"})
class TorchDetached(MyDropout):
    """y is right, but its gradient is that of the identity."""

    def forward(self, x):
        return x + (functional.dropout(x, self.p, self.training) - x).detach()


@wrong({"shape-and-dtype": "wrong-dtype"})
class TorchWidens(MyDropout):
    def forward(self, x):
        if not self.training:
            return x
        scale = (np.random.rand(*x.shape) >= self.p) / (1 - self.p if self.p < 1 else 1)
        return x * torch.from_numpy(scale)


@wrong({"input-untouched": "changes-x"})
class TorchChangesX(MyDropout):
    def forward(self, x):
        return functional.dropout(x, self.p, self.training, inplace=True)


@wrong({"fresh-mask": "same-mask-each-call"})
class TorchSeeds(MyDropout):
    def forward(self, x):
        torch.manual_seed(1)
        return super().forward(x)


class TwiceInBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, p):
        ctx.factor = (torch.rand_like(x) >= p).to(x.dtype)
        ctx.scale = 1 / (1 - p) if p < 1 else 0.0
        return x * ctx.factor * ctx.scale

    @staticmethod
    def backward(ctx, grad_y):
        return ctx.factor.mul_(ctx.scale) * grad_y, None


@wrong({"same-mask": "scaled-twice"})
class TorchScalesAgain(nn.Module):
    """Scale the saved mask in place, in every backward pass."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return TwiceInBackward.apply(x, self.p) if self.training else x
