"""Whether a finished file is whole, computes, and answers as its unquantized form does."""
