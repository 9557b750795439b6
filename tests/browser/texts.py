"""The texts that a browser shows."""

import re

from playwright.sync_api import Page

# Text nodes and labels of the page, of drawings and of what components hold in shadow trees. Icons are words in a font
# of their own, and a listing is Python.
TEXTS = """() => {
  const found = [];
  const walk = root => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) walk(element.shadowRoot);
      if (element.closest('style, script, noscript, pre, code, .katex, [data-testid=stIconMaterial], [translate=no]'))
        continue;
      if (element.matches('title') && element.closest('.node, .edge')) continue;
      for (const name of ['placeholder', 'aria-label', 'title', 'alt'])
        if (element.getAttribute(name)) found.push(element.getAttribute(name));
      for (const node of element.childNodes)
        if (node.nodeType === Node.TEXT_NODE && node.data.trim()) found.push(node.data.trim());
    }
  };
  walk(document.body);
  return found;
}"""


# Streamlit's own words, which it does not let an app set: labels for screen readers, what stands on an uploader,
# and what is read out of a box in a table.
STREAMLITS = re.compile(
    "App pages|Choose an option|Clear (all|selection|value)|(Collapse|Expand|Open|Close) sidebar|Copy to clipboard|"
    "Decrement|Increment|Navigate to home page|Logo|Download as CSV|Download plot as a PNG|"
    "Fullscreen|Help( for .*)?|Link to heading|Main menu|Open|Search|"
    r"Selected values|Sidebar|true|false|Skip to main content|Upload|file upload|\d+MB per file|Add rows?"
)


def texts_of(page: Page) -> list[str]:
    """Every text of the page as it stands, but for Streamlit's own words."""
    found: list[str] = page.evaluate(TEXTS)
    return [text for text in found if not STREAMLITS.fullmatch(text)]
