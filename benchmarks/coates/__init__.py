"""Single-layer networks of Coates, Lee and Ng on CIFAR-10, beside their published accuracy."""
