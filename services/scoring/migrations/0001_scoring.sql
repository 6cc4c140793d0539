-- What scoring keeps (see README.md). No identity: records and entities are ids.

-- To which entity each record belongs, by the highest version heard from linkage in a fact or a change. `parts`: purpose →
-- the part of the entity that the record is in, where the purpose sees several and the part has an id of its own; null when
-- only facts have spoken. `erased` is the version at which the record was last erased: facts linked before it are dropped.
CREATE TABLE members (
    record uuid PRIMARY KEY,
    entity uuid NOT NULL,
    version bigint NOT NULL,
    erased bigint NOT NULL DEFAULT 0,
    parts jsonb
);
CREATE INDEX members_entity ON members (entity);

-- Entities that lost records: at `version` only `remaining` stayed. `ended`: merged into `into_entity`, or erased.
CREATE TABLE departures (
    entity uuid PRIMARY KEY,
    version bigint NOT NULL,
    remaining uuid[] NOT NULL,
    ended boolean NOT NULL,
    into_entity uuid
);
CREATE INDEX departures_into ON departures (into_entity) WHERE into_entity IS NOT NULL;

-- What is counted of each record for each initiative: tiles (services/scoring/features.py), 16 bytes each. `since`:
-- linkage's version at its first fact; `area`: the newest known, '' when none is.
CREATE TABLE states (
    record uuid NOT NULL,
    initiative text NOT NULL,
    tiles bytea NOT NULL,
    newest timestamptz NOT NULL,
    since bigint NOT NULL,
    area text NOT NULL,
    area_at timestamptz NOT NULL,
    agreements text NOT NULL,
    PRIMARY KEY (record, initiative)
) WITH (fillfactor = 80);

-- The newest score of each entity, or part of one (`whole`), as it was said; `score` is null when it was taken back.
CREATE TABLE scores (
    entity uuid NOT NULL,
    initiative text NOT NULL,
    version bigint NOT NULL,
    score float8,
    reasons text NOT NULL,
    area text,
    into_entity uuid,
    membership bigint NOT NULL,
    model text NOT NULL,
    receipt uuid NOT NULL,
    as_of timestamptz NOT NULL,
    swept date,
    due date,
    whole uuid NOT NULL,
    PRIMARY KEY (entity, initiative)
) WITH (fillfactor = 80);
CREATE INDEX scores_whole ON scores (whole) WHERE whole <> entity;
CREATE INDEX scores_due ON scores (due) WHERE due IS NOT NULL;

-- One number for all scores, so that two said scores can be compared whatever they are about.
CREATE SEQUENCE score_versions;
GRANT USAGE ON SEQUENCE score_versions TO scoring;

-- What each said score was made of. Written once; goes only with its retention or with an erasure.
CREATE TABLE receipts (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    initiative text NOT NULL,
    entity uuid NOT NULL,
    version bigint NOT NULL,
    as_of timestamptz NOT NULL,
    score float8,
    vector bytea NOT NULL,
    contributions bytea NOT NULL,
    members uuid[] NOT NULL,
    membership bigint NOT NULL,
    model text NOT NULL,
    raise_at float8 NOT NULL,
    lower_at float8 NOT NULL,
    agreements text NOT NULL
);
CREATE INDEX receipts_entity ON receipts (entity, version);
REVOKE UPDATE ON receipts FROM scoring;

-- Every model that has been loaded, itself and its card, so that old receipts can be replayed.
CREATE TABLE models (
    initiative text NOT NULL,
    sha256 text NOT NULL,
    features text[] NOT NULL,
    content bytea NOT NULL,
    card jsonb NOT NULL,
    loaded_at timestamptz NOT NULL,
    PRIMARY KEY (initiative, sha256)
);
