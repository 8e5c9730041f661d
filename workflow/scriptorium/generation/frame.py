"""What every reader of sources and targets gives: one row per example, with these columns.

id; source, target: texts (NFC, single blanks), neither empty; split: train, validation, test, or empty where the source
has none; whole: the running text that would tell the target, which corpora leave out where they exclude the task, or
None; group: a tuple of texts that no two splits may share.
"""

FIELDS = ["id", "source", "target", "split", "whole", "group"]
