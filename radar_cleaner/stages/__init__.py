"""One module per rule: a function of the rule's name that reads files, calls the domain modules, writes files."""
