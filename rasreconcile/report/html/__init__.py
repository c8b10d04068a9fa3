"""A study as one page of HTML that needs no network: it opens from a mail, on a phone."""
