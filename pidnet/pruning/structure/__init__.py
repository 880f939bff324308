"""What may go together: which units of a network can be cut, and everything that hangs on them."""
