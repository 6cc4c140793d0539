-- Purposes, agreements that end, and erasure (see leaving.py, erasing.py, views.py).

-- Which records are under which agreement: those of one that has ended are looked for every minute.
CREATE INDEX identities_agreement ON identities (agreement);

-- Entities whose allowed records do not hold together for a purpose. A row whose id is its entity's says what remains of
-- the entity for the purpose; `living` false: it is no more, and its one member tells where it went.
CREATE TABLE parts (
    id uuid NOT NULL,
    purpose text NOT NULL,
    entity uuid NOT NULL,
    members uuid[] NOT NULL,
    living boolean NOT NULL,
    PRIMARY KEY (id, purpose)
);
CREATE INDEX parts_entity ON parts (entity) WHERE living;

-- What the agreements said of linking when the rows were written (terms.py).
ALTER TABLE index_state ADD COLUMN terms jsonb NOT NULL DEFAULT '{}';

-- Records whose agreement has ended: out of the index, shown to nobody, sealed, until their retention is over.
CREATE TABLE withheld (
    id uuid PRIMARY KEY,
    agreement text NOT NULL,
    until date NOT NULL,            -- the last day on which it is kept
    sealed bytea NOT NULL
);
CREATE INDEX withheld_until ON withheld (until);

-- The register of erasures: by whom, on which ground, and why. It names nobody.
CREATE TABLE erasures (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    by text NOT NULL,
    ground text NOT NULL,
    reason text NOT NULL
);

-- Records that were erased, so that what is heard of them later is dropped: an id, and no identity.
CREATE TABLE suppressed (
    record uuid PRIMARY KEY,
    erasure uuid NOT NULL REFERENCES erasures
);

CREATE INDEX decisions_b ON decisions (b);
