"""Running text for pre-training: read, clean, keep once, hold out by document.

preparing.py: from sources to documents.parquet, as a stream · seen.py: what was there before · files.py: text files,
compressed or not · plain.py, records.py, bundled.py: readers · streams.py: what is read from the hub and never kept
"""

from scriptorium.data.corpora.preparing import prepare

__all__ = ["prepare"]
