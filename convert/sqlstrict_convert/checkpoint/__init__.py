"""A published checkpoint, in whichever form -> shape, vocabulary, and weights that stream."""
