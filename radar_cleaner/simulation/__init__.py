"""A small invented world: rain that moves, radars that see it with their faults, the pictures they publish."""
