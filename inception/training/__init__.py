"""Training the networks at reduced width on CIFAR-10, and measuring what came out."""
