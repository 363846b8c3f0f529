"""What the daemon and every client know alike: the contract's stubs and the default address."""
