"""What a translator is made of, one file each: a pre-trained encoder, or BART behind a new encoder of the source."""
