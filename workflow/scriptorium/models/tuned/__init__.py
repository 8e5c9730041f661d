"""Models that write text, as fine-tuning on labelled tasks uses them."""
