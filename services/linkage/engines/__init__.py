"""Set-based engines: the edges of millions of records at once, as no batch would find them."""
