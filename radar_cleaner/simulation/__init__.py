"""A small simulated world: moving rain, radars with clutter and faults, and the pictures that they publish."""
