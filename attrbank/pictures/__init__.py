"""Pictures as files and as tensors: read, frame, mask, write, text in PNG files, sheets."""
