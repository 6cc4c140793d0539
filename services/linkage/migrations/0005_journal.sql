-- An index in memory follows what others commit (services/linkage/following.py).

-- What each batch touched: all records that it described, took out or decided about, or that are or were of an entity that
-- it changed; and those entities. Every version has a row at least; a version that is no longer here can no longer be
-- followed.
CREATE TABLE journal (
    version bigint NOT NULL,
    since bigint NOT NULL,          -- the version before it: whoever is at that one lacks nothing
    at timestamptz NOT NULL DEFAULT now(),
    records uuid[] NOT NULL,
    entities uuid[] NOT NULL
);
ALTER TABLE journal ALTER records SET STORAGE EXTERNAL, ALTER entities SET STORAGE EXTERNAL;   -- ids do not compress
CREATE INDEX journal_version ON journal (version);
DROP INDEX identities_version;      -- the journal tells more, and what has left

-- A row now tells all that clustering asks of an edge; those of before do not, and the index weighs their records anew.
UPDATE identities SET row = NULL;
COMMENT ON COLUMN identities.version IS 'of the batch that wrote the row: of two records'' rows the later speaks of them';
ALTER TABLE relinked ADD COLUMN version bigint NOT NULL;
