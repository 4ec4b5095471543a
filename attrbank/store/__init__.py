"""The code that reads and writes banks: artifacts are the truth, the index can be rebuilt from them."""
