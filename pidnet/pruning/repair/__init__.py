"""What the rest does then: the kept units take over what the removed ones did."""
