"""Studies of an idea: factorised kernels, residual scale, low rank, what the sources disagree about."""
