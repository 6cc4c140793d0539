-- The durable half of the identity index. The quick half (blocks and edges in memory) is rebuilt from `identities`.

-- One narrow row a record: what most events need, and all that most events touch.
CREATE TABLE records (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    digest bytea NOT NULL,          -- of the identity fields as last published
    seen timestamptz NOT NULL,      -- the newest event that published them
    entity uuid NOT NULL,
    version bigint NOT NULL         -- of the entity change that put it there
) WITH (fillfactor = 70);
CREATE INDEX records_entity ON records (entity);

-- One wide row a record, written when its identity or its edges change. Names and numbers are here and nowhere else.
CREATE TABLE identities (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    partner text NOT NULL,
    agreement text NOT NULL,
    identity jsonb NOT NULL,        -- field → value, in normal form: the newest value of each field
    times jsonb NOT NULL,           -- field → when its value was last published, seconds since 1970
    snapshot text[] NOT NULL,       -- the fields that the last published identity had (records.seen is their time)
    row bytea,                      -- edges to other records, as services/linkage/index.py packs them
    version bigint NOT NULL         -- of the batch that wrote it
);

CREATE TABLE entities (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    members uuid[] NOT NULL,
    version bigint NOT NULL,
    into_entity uuid                -- where a merged entity's id redirects for ever
);

-- What stewards decided about pairs: outranks every score (issue "Linkage" fills it).
CREATE TABLE decisions (
    a uuid NOT NULL,
    b uuid NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('must', 'must_not')),
    by text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (a, b),
    CHECK (a < b)
);

-- The one row that a batch locks before it changes the index: the version that is committed.
CREATE TABLE index_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version bigint NOT NULL
);
INSERT INTO index_state (version) VALUES (0);
