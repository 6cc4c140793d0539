-- Why the last switch to a model was given up: a kind of error and where it arose, nothing of anybody.
ALTER TABLE models ADD COLUMN given_up text;
