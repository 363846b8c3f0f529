"""Which model answers: the file, the choice, and the change from one to another."""
