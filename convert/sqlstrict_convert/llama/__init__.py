"""llama.cpp, as the child processes of this package use it."""
