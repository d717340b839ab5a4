"""Image files: reading, checking, prefetching, and features of whole folders."""
