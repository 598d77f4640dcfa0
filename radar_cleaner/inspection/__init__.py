"""Folders of unknown pictures to the draft of a config: times, radars, plot box, colours."""
