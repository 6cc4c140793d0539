"""A model's life: trained, tried beside the active one, switched to, taken back. ``person.json`` is the first one."""
