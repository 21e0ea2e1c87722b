#!/usr/bin/env python3
"""Checks every Markdown file of the repository: `just docs-check`.

- No line longer than 100 characters, except in tables, code blocks and lines that are one link.
- Every relative link leads to a file, and its anchor to a heading.
- Every script and page of docs/ that a file names exists.
- No file of the repository names the host of a package registry.
"""

import re
import subprocess
import sys
from pathlib import Path

from markdown import anchors, lines_with_code, links, outside_code

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100
NAMED = re.compile(r"(?<![\w./-])(?:scripts|docs)/[\w./-]*\w\.(?:py|sh|md|toml|json)\b")
HOST = re.compile(r"https?://(deb|security|index|static|registry|files)\.")


def tracked(*patterns):
    """Files that git knows, or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def one_link(line):
    return re.fullmatch(r"\s*(?:[-*] )?(?:\[[^\]]*\]\(\S+\)|<?https?://\S+)[.,:;]?", line) is not None


def long_lines(text):
    for number, (line, code) in enumerate(lines_with_code(text), 1):
        if not code and len(line) > WIDTH and not line.lstrip().startswith("|") and not one_link(line):
            yield f"{number}: {len(line)} characters, expected at most {WIDTH}"


def broken_links(path, text):
    problems = []

    def look(target):
        name, _, anchor = target.partition("#")
        if "://" in name or name.startswith("mailto:"):
            return target
        file = (path.parent / name) if name else path
        if not file.exists():
            problems.append(f"link to {target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            problems.append(f"link to {target}: no such heading")
        return target

    outside_code(text, lambda prose: links(prose, look))
    return problems


def main():
    problems = []
    for path in tracked("*.md"):
        text = path.read_text()
        name = path.relative_to(ROOT)
        problems += [f"{name}:{problem}" for problem in long_lines(text)]
        problems += [f"{name}: {problem}" for problem in broken_links(path, text)]
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        name = path.relative_to(ROOT)
        for number, line in enumerate(text.split("\n"), 1):
            if HOST.search(line):
                problems.append(f"{name}:{number}: names the host of a package registry")
            missing = [named for named in NAMED.findall(line) if not (ROOT / named).exists()]
            problems += [f"{name}:{number}: no such file: {named}" for named in missing]
    print("\n".join(problems) or "docs: every line, link and anchor is in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
