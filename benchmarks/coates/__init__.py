"""Single-layer networks of Coates, Lee and Ng on CIFAR-10, compared with published accuracies."""
