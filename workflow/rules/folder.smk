"""Refuses a folder in which the workflow cannot work, before any file is looked for in it."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "workflow"))

from scriptorium.errors import UserError
from scriptorium.folder import check_folder

try:
    check_folder(ROOT, Path.cwd())
except UserError as error:
    raise WorkflowError(str(error)) from None
