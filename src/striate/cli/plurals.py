"""Numbers with their nouns."""


def plural(n: int, noun: str, nouns: str | None = None) -> str:
    """Return "1 image", "2 images" and so on; `nouns` is a plural that ends otherwise."""
    return f"{n} {noun}" if n == 1 else f"{n} {nouns or noun + 's'}"
