"""Wrong layers whose y or ∂L/∂x is not what the mask makes of x and ∂L/∂y."""

# ruff: noqa: NPY002 (courses draw from the global generator)

import numpy as np

from layers.cases import wrong
from layers.course import Course, drawing, passing, scaling, sending_back

NOT_APPLIED = {"values": "not-applied", "same-mask": "not-applied", "p-1": "keeps-at-p-1"}
BOTH_PASSES = ("p-0", "same-mask", "inference")  # the questions that compare the gradient


def between(layer):
    return layer.trained and 0 < layer.p < 1


# Values


@wrong(NOT_APPLIED)
@passing
def not_applied(self, x):
    """The identity in training too."""
    self.scale = np.ones_like(x)
    return x


@wrong({"values": "not-scaled", "same-mask": "not-scaled", "inference": "scales-in-inference"})
@passing
def not_scaled(self, x):
    """The scaling is left to inference."""
    self.scale = self.draw(x.shape) if self.training else 1 - self.p
    return x * self.scale


@wrong({"values": "scaled-twice"})
@passing
def scaled_twice(self, x):
    y = Course.forward(self, x)
    return y / (1 - self.p) if self.training and self.p < 1 else y


@wrong({"values": "multiplied-by-keep", "same-mask": "multiplied-by-keep"})
@scaling
def multiplied_by_keep(mask, p):
    return mask * (1 - p)


@wrong({"values": "scaled-by-count", "same-mask": "scaled-by-count"})
@scaling
def scaled_by_count(mask, p):
    return mask * (mask.size / max(1, mask.sum()) if p < 1 else 1)


@wrong({"p-1": "nan-at-p-1"}, quick=[1])
@scaling
def nan_at_p_1(mask, p):
    return mask / np.float64(1 - p)


@wrong({"p-1": "raised"})
@scaling
def raises_at_p_1(mask, p):
    return mask * (1 / (1 - p))


@wrong({"values": None})
@passing
def almost_zero(self, x):
    return Course.forward(self, x) + 1e-9 * between(self)


@wrong({"values": None})
@passing
def adds_a_tenth(self, x):
    return Course.forward(self, x) + 0.1 * between(self)


@wrong({"p-0": None, "values": None})
@drawing
def gaussian_noise(p, shape):  # noqa: ARG001
    return 1 + np.random.randn(*shape)


@wrong({"p-1": "keeps-at-p-1", "p-0": None, "values": None, "same-mask": "other-mask"}, quick=[1])
class WrongAtFirst(Course):
    """Wrong in the first three calls."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        y = super().forward(x)
        return 7 * x if self.calls <= 3 and self.training else y


# The gradient


@wrong({"same-mask": "other-mask"})
@sending_back
def new_mask_in_backward(self, grad_y):
    if not self.trained or self.p == 1:
        return grad_y * self.scale
    return grad_y * self.draw(grad_y.shape) / (1 - self.p)


@wrong({"same-mask": "other-mask"})
def function_with_two_draws(x, grad_y, p, training):
    if not training or p in (0, 1):
        return x * (p != 1 or not training), grad_y * (p != 1 or not training)
    one, two = np.random.rand(2, *x.shape) >= p
    return x * one / (1 - p), grad_y * two / (1 - p)


@wrong({"same-mask": "not-masked"})
@sending_back
def gradient_not_masked(self, grad_y):
    return grad_y / (1 - self.p) if self.trained and self.p < 1 else grad_y * self.scale


@wrong({"same-mask": "not-scaled"})
@sending_back
def gradient_not_scaled(self, grad_y):
    return grad_y * (self.scale != 0)


@wrong({"same-mask": "not-applied", "p-1": "keeps-at-p-1"})
@sending_back
def gradient_passed_on(_, grad_y):
    return grad_y


@wrong({"p-0": "not-finite-at-p-0", "same-mask": "divided-by-p"})
@sending_back
def gradient_divided_by_p(self, grad_y):
    return grad_y * (self.scale != 0) / self.p if self.trained else grad_y


@wrong({"p-0": "drops-at-p-0", "same-mask": "multiplied-by-p"})
@sending_back
def gradient_multiplied_by_p(self, grad_y):
    return grad_y * (self.scale != 0) * self.p if self.trained else grad_y


@wrong({"same-mask": "inverted"})
@sending_back
def gradient_inverted(self, grad_y):
    if not between(self):
        return grad_y * self.scale
    return grad_y * (self.scale == 0) / (1 - self.p)


@wrong(dict.fromkeys(BOTH_PASSES, "times-x"))
class GradientOfX(Course):
    """∂L/∂y_i · y_i: the output where the local gradient belongs."""

    def forward(self, x):
        self.y = super().forward(x)
        return self.y

    def backward(self, grad_y):
        return grad_y * self.y


@wrong(dict.fromkeys(BOTH_PASSES, "gradient-cut"), quick=[0, 0.9])
@sending_back
def gradient_cut(_, grad_y):
    return 0 * grad_y


@wrong(dict.fromkeys(BOTH_PASSES, "ignores-grad-y"))
@sending_back
def ignores_grad_y(self, grad_y):
    return 0 * grad_y + self.scale


@wrong({"same-mask": None})
@sending_back
def gradient_three_times(self, grad_y):
    return grad_y * self.scale * (1 + 2 * between(self))


@wrong(dict.fromkeys([*BOTH_PASSES, "values"], "swapped"))
def swapped(x, grad_y, p, training):
    if not training or p == 0:
        return grad_y, x
    scale = (np.random.rand(*x.shape) >= p) / (1 - p) if p < 1 else np.zeros(x.shape)
    return grad_y * scale, x * scale


# Where x is 0


class SavesY(Course):
    """Keep y for backward."""

    def forward(self, x):
        self.x, self.y = x, super().forward(x)
        return self.y


@wrong({"p-0": "lost-at-zero", "same-mask": "lost-at-zero"}, quick=[0.1])
class MaskFromY(SavesY):
    def backward(self, grad_y):
        if not self.trained:
            return grad_y
        return grad_y * (self.y != 0) / (1 - self.p if self.p < 1 else 1)


@wrong(dict.fromkeys(BOTH_PASSES, "nan-at-zero") | {"p-1": "nan-at-p-1"})
class QuotientOfY(SavesY):
    def backward(self, grad_y):
        return grad_y * self.y / self.x


# The size of numbers


@wrong(dict.fromkeys(BOTH_PASSES), quick=[0])
@sending_back
def clips(self, grad_y):
    return np.clip(grad_y, -5, 5) * self.scale


@wrong({"values": None, "p-0": None, "inference": None})
@passing
def float16_inside(self, x):
    mantissa, exponent = np.frexp(x)
    return Course.forward(self, np.ldexp(np.round(mantissa * 2**11) / 2**11, exponent))


# Inference


@wrong({"inference": "drops-in-inference"})
@passing
def drops_in_inference(self, x):
    """Have a training flag, and do not look at it."""
    training, self.training = self.training, True
    y = Course.forward(self, x)
    self.training = training
    return y


@wrong({"inference": "scales-in-inference"})
@passing
def scales_in_inference(self, x):
    return Course.forward(self, x) * (1 if self.training else 1 - self.p)


@wrong(NOT_APPLIED)
class StaysInInference(Course):
    """eval() has no way back."""

    def train(self):
        pass

    def eval(self):
        self.training = False


@wrong({"inference": "drops-in-inference"})
class BackwardDropsInInference(Course):
    def forward(self, x):
        return super().forward(x) if self.training else x

    def backward(self, grad_y):
        scale = self.scale
        if scale.shape != grad_y.shape:
            scale = np.random.permutation(np.resize(scale, grad_y.shape))
        return grad_y * scale


@wrong(NOT_APPLIED | {"kept-fraction": "drops-nothing"})
@passing
def one_of_a_batch(self, x):
    """Take a batch of one for inference."""
    training, self.training = self.training, self.training and (x.ndim < 2 or len(x) > 1)
    y = Course.forward(self, x)
    self.training = training
    return y
