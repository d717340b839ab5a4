"""Tables of numbers and categories: an encoder, and networks that are good by default."""
