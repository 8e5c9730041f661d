"""What mkdocs needs to know about this repository: which pages outside docs/ belong to the site, and where links lead.

Pages link to one another by their places in the repository, so that the links work there too.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.structure.files import File

REPOSITORY = Path(__file__).parents[1]
OUTSIDE = ("config/README.md", "results/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files, config):
    """Add the pages that lie outside docs/, at their places in the repository."""
    for page in OUTSIDE:
        files.append(File.generated(config, page, abs_src_path=str(REPOSITORY / page)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Turn links between places of the repository into links between pages; a link to a source file stays as text."""
    source = page.file.src_uri
    here = source if source in OUTSIDE else f"docs/{source}"

    def turned(match: re.Match[str]) -> str:
        target = match["target"]
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        place = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        shown = place if place in OUTSIDE else place.removeprefix("docs/")
        if not place.startswith("docs/") and place not in OUTSIDE and (REPOSITORY / place).exists():
            shown = "index.md" if place == "README.md" else None
        if shown is None:
            return match["text"]
        to = posixpath.relpath(shown, posixpath.dirname(source) or ".")
        return f"{match['image']}[{match['text']}]({to}{match['anchor'] or ''})"

    return LINK.sub(turned, markdown)
