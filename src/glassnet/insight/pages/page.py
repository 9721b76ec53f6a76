"""The frame of every page: title, style, language. It knows nothing of what is shown."""

from __future__ import annotations

from html import escape as _escape
from importlib import resources

import glassnet


def escape(text: object) -> str:
    """Return text that can stand in HTML, in an attribute too."""
    return _escape(str(text), quote=True)


def prose(*paragraphs: str) -> str:
    """Return sentences as HTML paragraphs."""
    return "".join(f"<p>{escape(text)}</p>\n" for text in paragraphs)


def frame(title: str, html: str) -> str:
    """Return a whole page as a part of another one, such as a notebook; `title` (plain text) is what it is called."""
    return f'<iframe title="{escape(title)}" style="width:100%;height:800px;border:0" srcdoc="{escape(html)}"></iframe>'


def page(title: str, body: str, *, lead: str = "", style: str = "", script: str = "") -> str:
    """Return a whole HTML page that needs nothing from elsewhere.

    Parameters
    ----------
    title : str
        Plain text; also the heading.
    body : str
        HTML below the heading.
    lead : str
        A sentence of plain text under the heading: what is shown, of which network and rows.
    style, script : str
        CSS and JavaScript of this page, besides what all pages share.

    Returns
    -------
    str
        The page. Colours are CSS variables (--ink, --faint, --line, --paper, --panel, --plus, --minus, --accent) that
        differ in light and dark.
    """
    shared = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    lead = f'<p class="lead">{escape(lead)}</p>\n' if lead else ""
    script = f"<script>\n{script}\n</script>\n" if script else ""
    return (
        "<!doctype html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="glassnet {glassnet.__version__}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{shared}{style}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n{lead}{body}\n</main>\n{script}</body>\n</html>\n"
    )
