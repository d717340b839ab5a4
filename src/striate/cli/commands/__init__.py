"""One file per command, ``NAME_command.py``, with its options, its help and its work."""
