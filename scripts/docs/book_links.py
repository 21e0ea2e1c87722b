"""A preprocessor of mdbook: turns links between files of the repository into links of the book.

Pages link as GitHub reads them. A page that includes a file of the root (`architecture.md` includes
ARCHITECTURE.md) has links relative to the root. A link to a file outside the book leads to GitHub.
"""

import json
import os
import sys
from pathlib import Path

from markdown import links, outside_code

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REPOSITORY = "https://github.com/epee-rs/epee/blob/main/"
# Files of the root that a page of the book includes.
INCLUDED = {ROOT / f"{name.upper()}.md": DOCS / f"{name}.md" for name in ("architecture", "contributing", "changelog")}


def rewritten(target, page):
    """A link as the book needs it, on a page of the book."""
    path, mark, anchor = target.partition("#")
    if not path or "://" in path or path.startswith("mailto:"):
        return target
    places = [(DOCS / page).parent / path, ROOT / path]
    file = next((place.resolve() for place in places if place.exists()), None)
    if file is None:
        sys.exit(f"docs/{page}: no such file: {target}")
    file = INCLUDED.get(file, file)
    if file.is_relative_to(DOCS) and file.is_file():
        if file.name == "README.md":
            file = file.with_name("index.md")
        return os.path.relpath(file, (DOCS / page).parent) + mark + anchor
    return REPOSITORY + str(file.relative_to(ROOT)) + mark + anchor


def change(item):
    chapter = item.get("Chapter")
    if not chapter:
        return
    if chapter["path"]:
        page = Path(chapter["path"])
        chapter["content"] = outside_code(chapter["content"], lambda text: links(text, lambda t: rewritten(t, page)))
    for child in chapter["sub_items"]:
        change(child)


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    for item in book.get("items") or book["sections"]:
        change(item)
    json.dump(book, sys.stdout)


main()
