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
    row bytea,                      -- edges to other records, as services/linkage/index/index.py packs them
    model integer,                  -- the model under which the row was made
    version bigint NOT NULL         -- of the batch that wrote it
);
-- For who follows what changed since a version. A summary of page ranges costs a write nothing, unlike a tree.
CREATE INDEX identities_version ON identities USING brin (version) WITH (pages_per_range = 32);

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

-- Every linkage model that ever weighed something here. The file in services/linkage/models is the first one's seed.
CREATE TABLE models (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text NOT NULL UNIQUE,   -- name and a digest of the JSON
    kind text NOT NULL,
    json text NOT NULL,             -- as it was dumped: its bytes are what the version names
    state text NOT NULL CHECK (state IN ('shadow', 'wanted', 'active', 'retired')),
    at timestamptz NOT NULL DEFAULT now(),   -- since when it is in this state
    by text NOT NULL,
    activated timestamptz,          -- since when it was active last, if it ever was
    snapshot text,                  -- wanted: the moment of which `relinked` speaks, exported by who relinks
    report jsonb                    -- a shadow: which entities would change; ids and counts, no identity
);
CREATE UNIQUE INDEX models_active ON models (kind) WHERE state = 'active';
CREATE UNIQUE INDEX models_beside ON models (kind) WHERE state IN ('shadow', 'wanted');

-- What a wanted model says of each record. After the switch the rows move into `identities`, in the background; until
-- they have, a rebuild takes from here what is newer.
CREATE TABLE relinked (
    id uuid PRIMARY KEY,
    model integer NOT NULL REFERENCES models (number),
    row bytea NOT NULL,
    entity uuid NOT NULL            -- as the model has it by itself; ids are given at the switch
);
