"""The models of this machine: pulled, listed, chosen, verified, removed."""
