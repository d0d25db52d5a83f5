"""Layers of dropout as teams write them.

RIGHT maps a name to a layer. WRONG maps a name to a layer and to the questions that it fails, each
with the name of the mistake; None where there is no name, and the wrong elements have to do.
"""
