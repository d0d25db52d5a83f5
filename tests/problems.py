"""Random problems."""

from hypothesis import strategies as st

from dropout_cli import Problem

NUMBERS = st.floats(0.125, 100) | st.floats(-100, -0.125)
LOSSES = (None, "sum", "mean", "sum-squares")


@st.composite
def problems(draw, training=None, losses=LOSSES):
    n = draw(st.integers(2, 8))
    vector = st.lists(NUMBERS, min_size=n, max_size=n)
    loss = draw(st.sampled_from(losses))
    is_training = draw(st.booleans()) if training is None else training
    return Problem.create(
        draw(vector),
        draw(st.floats(0.05, 0.95)),
        draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)) if is_training else None,
        grad_y=None if loss else draw(vector),
        loss=loss,
        training=is_training,
    )
