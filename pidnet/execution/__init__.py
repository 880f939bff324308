"""How work is shared out."""
