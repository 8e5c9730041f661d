"""What the vectors of an encoder say of translations, word by word and text by text (docs/vectors.md)."""
