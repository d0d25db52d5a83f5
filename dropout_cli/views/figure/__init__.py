"""A trace as a picture: four panels, lanes, or a film of the lanes. All that uses matplotlib."""
