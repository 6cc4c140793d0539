-- What every service needs to lose nothing and do nothing twice (DESIGN §3). Applied to each service's database.

-- What was already done. `id` is a hash of (ce_source, ce_id); rows older than the bus's retention are pruned.
CREATE TABLE inbox (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX inbox_at ON inbox USING brin (at);

-- What must still be said: one row a transaction, all its messages packed and compressed, so PostgreSQL need not try.
-- `owner` is the process that will send it.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner bigint NOT NULL,
    messages bytea STORAGE EXTERNAL NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- Messages that could not be handled: where they were, why, and the message itself, sealed.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    topic text NOT NULL,
    partition int NOT NULL,
    "offset" bigint NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    sealed bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    UNIQUE (topic, partition, "offset")
);

-- How many messages in a row our own code could not handle: a count that outlives the process (docs/adr/0005).
CREATE TABLE faults (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    in_a_row int NOT NULL DEFAULT 0
);
INSERT INTO faults DEFAULT VALUES;
