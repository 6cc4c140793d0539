"""Young people at risk of being out of education, employment or training: the statement, the model, its training."""
