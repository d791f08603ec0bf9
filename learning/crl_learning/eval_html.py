"""Pieces of an evaluation's HTML page: escaped text, tables, figures. The page needs no script and no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1c1c1c; background: #fff; max-width: 980px; margin: 2em auto;
  padding: 0 1.2em; }
h1 { font-size: 1.5em; margin-bottom: .2em; }
h2 { font-size: 1.2em; margin-top: 2em; border-bottom: 1px solid #ddd; padding-bottom: .2em; }
h3 { font-size: 1em; margin: 1.4em 0 .3em; }
p.note, figcaption { color: #555; font-size: .88em; }
table { border-collapse: collapse; margin: .6em 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .7em; text-align: right; border-bottom: 1px solid #e6e6e6; white-space: nowrap; }
th { font-weight: 600; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1em; margin: .6em 0; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
svg { width: 100%; max-width: 760px; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: #333; }
.legend span { margin-right: 1.4em; font-size: .88em; white-space: nowrap; }
.legend i { display: inline-block; width: .9em; height: .9em; margin-right: .4em; vertical-align: -1px; }
.gallery { display: flex; flex-wrap: wrap; gap: .8em; }
.gallery figure { margin: 0; width: 320px; border-top: 3px solid #be3228; }
.gallery figure.good { border-color: #1e823c; }
.gallery img { display: block; } figcaption { padding: .15em 0; }
.gallery video { display: block; width: 320px; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole HTML document."""
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def heading(level: int, words: str) -> str:
    """A heading of level 1, 2, ..."""
    return f"<h{level}>{escape(words)}</h{level}>"


def note(words: str) -> str:
    """A line of small print."""
    return f'<p class="note">{escape(words)}</p>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are plain text."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    return f'<div class="wide"><table><tr>{top}</tr>\n{body}</table></div>'


def facts(items: Iterable[tuple[str, str]]) -> str:
    """Names and values, one below the other."""
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in items)}</dl>"


def gallery(figures: Iterable[str]) -> str:
    """Figures side by side, as many as fit."""
    return f'<div class="gallery">{"".join(figures)}</div>'


def image_pair(left: bytes, right: bytes, caption: str, good: bool) -> str:
    """Two JPEG files side by side over a line."""
    images = "".join(f'<img src="{_inline(data, "image/jpeg")}" alt="">' for data in (left, right))
    kind = ' class="good"' if good else ""
    return f'<figure{kind}><div style="display:flex">{images}</div><figcaption>{escape(caption)}</figcaption></figure>'


def video(data: bytes, caption: str, good: bool) -> str:
    """An MP4 file with controls."""
    kind = ' class="good"' if good else ""
    source = _inline(data, "video/mp4")
    return (
        f'<figure{kind}><video controls preload="metadata" src="{source}"></video>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _inline(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
