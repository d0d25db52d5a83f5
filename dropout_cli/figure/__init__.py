"""Pictures of a trace, with matplotlib: panels, lanes, an animation, tables and steps."""

LAYOUTS = ("panels", "flow")
PANELS = ("x", "mask", "y", "grad_x")
