"""What axe, the accessibility checker, says of a page."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

# Streamlit's own, which an app cannot mend: by rule, the part of the page, and the reason.
STREAMLITS = {
    # The menu of pages puts the headings of its groups as <div> between the <li> of a list, and those into them.
    "list": "[data-testid=stSidebarNavItems]",
    "listitem": "[data-testid=stSidebarNavItems]",
    # Its label is English; ours comes from style, which browsers read aloud and axe does not know.
    "button-name": "[data-testid=stFileUploaderDropzone]",
}
WORST = ("serious", "critical")
FINDINGS = """async ([streamlits, worst]) => {
  // "region" is never worse than moderate, and looks at every element; style sheets serve no rule that is on.
  const { violations } = await axe.run({
    resultTypes: ["violations"],
    preload: false,
    rules: { region: { enabled: false } },
  });
  const known = (rule, node) =>
    streamlits[rule] && document.querySelector(node.target.flat()[0])?.closest(streamlits[rule]);
  return violations
    .filter((rule) => worst.includes(rule.impact))
    .flatMap((rule) => rule.nodes.filter((node) => !known(rule.id, node)).map((node) => `${rule.id}: ${node.html}`));
}"""


def findings(page: Page) -> list[str]:
    """Serious and critical findings on the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(FINDINGS, [STREAMLITS, WORST])
    return found
