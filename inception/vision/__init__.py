"""What a network makes of a picture."""
