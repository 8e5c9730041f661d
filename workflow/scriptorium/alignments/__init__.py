"""Gold alignments: words of translations that people have linked, and how far a model's links agree with them."""
