"""Desired plans and observed facts in, verdicts and actions out. PURE: nothing here touches the world."""
