"""The initiatives: each folder is the statement of a problem that runs. ``shared/initiatives.py`` reads them."""
