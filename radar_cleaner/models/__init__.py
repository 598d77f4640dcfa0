"""The networks, their registry, their files."""
