-- The log. The service may add to it and read it; nobody may change it (see the end).

-- One row a leaf, in the order of the tree. No column here names a person: `subject` is a number of `subjects`.
CREATE TABLE entries (
    seq bigint PRIMARY KEY,
    at timestamptz NOT NULL,
    subject bigint NOT NULL,
    actor text NOT NULL,
    commitment bytea NOT NULL,
    leaf bytea NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX entries_subject ON entries (subject, seq);
-- Services make most entries and are found at once by walking back; only people need an index of theirs.
CREATE INDEX entries_actor ON entries (actor, seq) WHERE actor NOT LIKE 'service:%';
CREATE INDEX entries_at ON entries USING brin (at) WITH (pages_per_range = 16);

-- Hashes of complete subtrees of 256, 65,536, … leaves: what proofs are made of.
CREATE TABLE subtrees (
    height smallint NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (height, place)
);

-- After each transaction: the signed checkpoint, and the frontier that the next one grows from.
CREATE TABLE checkpoints (
    size bigint PRIMARY KEY,
    note text NOT NULL,
    frontier bytea NOT NULL
);

-- Whose key was destroyed, and the entry that says so.
CREATE TABLE erasures (
    seq bigint PRIMARY KEY,
    subject bigint NOT NULL UNIQUE
);

-- The data key of each subject, under the service's sealing key. To delete the row is to erase what the log says of them.
CREATE TABLE subjects (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity uuid NOT NULL UNIQUE,
    sealed_key bytea NOT NULL
);

-- One transaction appends at a time, whichever replica it is in; waits for its turn, then looks (a volatile function's
-- statements each see what was committed before them). In one round trip: every batch pays for it.
CREATE FUNCTION lock_head() RETURNS TABLE (size bigint, note text, frontier bytea, erasure bigint)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit log'));
    RETURN QUERY
        SELECT c.size, c.note, c.frontier, (SELECT max(seq) FROM erasures)
        FROM checkpoints c ORDER BY c.size DESC LIMIT 1;
END $$;

DO $$
DECLARE service text := replace(current_user, '_owner', '');
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON entries, subtrees, checkpoints, erasures FROM %I', service);
    EXECUTE format('REVOKE UPDATE, TRUNCATE ON subjects FROM %I', service);
END $$;
