"""What the checks of the documentation know of Markdown: code, links, anchors."""

import re

FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s]+)(\))")
CODE = re.compile(r"(`+)(?:(?!\1).|\n)+?\1")


def lines_with_code(text):
    """Each line, with True if it belongs to a code block."""
    inside = False
    for line in text.split("\n"):
        fence = bool(FENCE.match(line))
        yield line, inside or fence
        inside ^= fence


def outside_code(text, change):
    """Applies a change to everything that is not in a code block."""
    out, prose = [], []

    def flush():
        if prose:
            out.append(change("\n".join(prose)))
            prose.clear()

    for line, code in lines_with_code(text):
        if code:
            flush()
            out.append(line)
        else:
            prose.append(line)
    flush()
    return "\n".join(out)


def links(text, change):
    """Applies a change to the target of every link that is not in a code span."""
    spans = [match.span() for match in CODE.finditer(text)]

    def one(match):
        if any(begin <= match.start(2) < end for begin, end in spans):
            return match[0]
        return match[1] + change(match[2]) + match[3]

    return LINK.sub(one, text)


def anchors(text):
    """The anchors of the headings, as GitHub and mdbook make them."""
    found = set()
    for line, code in lines_with_code(text):
        match = re.match(r"#{1,6} +(.*)", line)
        if code or not match:
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1])
        base = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        name, count = base, 0
        while name in found:
            count += 1
            name = f"{base}-{count}"
        found.add(name)
    return found
