-- When a departure was heard: a record that left its entity and was claimed by no other for some days is forgotten.
ALTER TABLE departures ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE INDEX departures_at ON departures (at);
