"""A campaign of bad inputs: what Striate does with what nobody should give it."""
