"""Numbers with their nouns."""


def plural(n: int, noun: str) -> str:
    """Return "1 image", "2 images" and so on."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
