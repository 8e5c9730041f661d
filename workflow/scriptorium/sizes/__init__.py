"""What a run needs, known before it starts: memory of a GPU, FLOPs, disk, downloads."""
