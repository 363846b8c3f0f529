"""What the user typed -> files of this disk: a path, or a repository of a hub."""
