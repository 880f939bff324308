"""pidnet inside other libraries' frames."""
