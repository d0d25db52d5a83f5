"""Draw a trace: panels, lanes, an animation, tables and steps, all with matplotlib."""

LAYOUTS = ("panels", "flow")
THEME_NAMES = ("light", "dark")
PANELS = ("x", "mask", "y", "grad_x")
