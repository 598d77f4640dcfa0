"""File names, folders, archives, object stores to decoded frames."""
