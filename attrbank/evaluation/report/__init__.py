"""How figures are shown: tables, plots, a page, cards."""
