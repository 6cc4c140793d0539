-- One row an event: what became of it. `id` is a hash of (source, id), so a repeated event meets its own row.
-- `reason` is '' for an accepted event. Nothing of the event's data is here.
CREATE TABLE receipts (
    id uuid PRIMARY KEY,
    partner text NOT NULL,
    event_id text NOT NULL,
    type text NOT NULL,
    reason text NOT NULL,
    field text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX receipts_listed ON receipts (partner, at, id);

-- Counts a day, for pages and reports, exact: they are in the transaction of the receipts. Names that a partner made up
-- (unknown types and fields) are counted under '*', so that nobody can fill the table.
CREATE TABLE tallies (
    day date NOT NULL,
    partner text NOT NULL,
    type text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    field text NOT NULL,
    events bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (partner, day, type, verdict, reason, field)
) WITH (fillfactor = 70);

-- Partners' keys. Only a digest is kept: 32 random bytes need no slow hash.
CREATE TABLE partner_keys (
    id uuid PRIMARY KEY,
    partner text NOT NULL,
    digest bytea NOT NULL UNIQUE,
    hint text NOT NULL,
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX partner_keys_partner ON partner_keys (partner, issued_at);
