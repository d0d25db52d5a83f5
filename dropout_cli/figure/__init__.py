"""A trace as a picture: four panels, lanes, or a film of the lanes. All that uses matplotlib."""

LAYOUTS = ("panels", "flow")
THEME_NAMES = ("light", "dark")
PANELS = ("x", "mask", "y", "grad_x")
