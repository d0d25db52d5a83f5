"""Right and wrong layers of dropout, as teams write them; those of PyTorch and JAX need them."""

# ruff: noqa: F401 (a module enters its layers when it is imported)

from importlib.util import find_spec

from layers import calls, dependence, freshness, passes, right, shares
from layers.cases import RIGHT, WRONG, Case

if find_spec("torch"):
    from layers import torch_layers
if find_spec("jax"):
    from layers import jax_layers
