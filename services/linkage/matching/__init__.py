"""Whether two records are of one: fields compared column by column, weighed by a model, decided by rules. Pure."""
