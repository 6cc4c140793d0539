"""The smallest service with pages: what every service does in its main.py, and each macro once."""
