-- name: known
-- What is known of a batch's records: enough to tell an unchanged identity. Index: records_pkey.
SELECT id, digest, seen, entity, version FROM records WHERE id = ANY ($1::uuid[]);

-- name: look_up
-- All that a batch needs to know of its records, in one round trip: ids, and beside each the digest that is said of it,
-- if any, and when (microseconds since 1970). What is known of each; whether it was erased. If any of it is new, the
-- index's lock is taken as by `lock_index`, and `committed` comes back, beside the version of the moment of which the
-- rest speaks (`known_at`): while one waits for the lock, others commit. If none is, all is sighted, as by `sighted`;
-- then `missed` says that another replica changed some of it meanwhile. Index: records_pkey, suppressed_pkey,
-- erasures_pkey; index_state is one row.
WITH said AS (
    SELECT id, said, timestamptz 'epoch' + at * interval '1 microsecond' AS at
    FROM unnest($1::uuid[], $2::bytea[], $3::bigint[]) AS n (id, said, at)
), known AS MATERIALIZED (
    SELECT said.id, said.said, said.at, r.digest, r.seen, r.entity, r.version FROM said LEFT JOIN records r USING (id)
), new AS MATERIALIZED (
    SELECT FROM known WHERE digest IS NULL OR said <> digest LIMIT 1
), locked AS MATERIALIZED (
    SELECT version FROM index_state WHERE EXISTS (SELECT FROM new) FOR UPDATE
), again AS MATERIALIZED (
    SELECT id, digest, max(at) AS at FROM known WHERE said = digest AND at > seen AND NOT EXISTS (SELECT FROM new)
    GROUP BY id, digest
), sighted AS (
    UPDATE records r SET seen = greatest(r.seen, again.at) FROM again
    WHERE r.id = again.id AND r.digest = again.digest RETURNING 1
)
SELECT k.id, k.digest, k.seen, k.entity, k.version, e.ground, e.at, locked.version AS committed,
    (SELECT version FROM index_state) AS known_at,
    (SELECT count(*) FROM sighted) < (SELECT count(*) FROM again) AS missed
FROM known k LEFT JOIN suppressed s ON s.record = k.id LEFT JOIN erasures e ON e.id = s.erasure
LEFT JOIN locked ON true;

-- name: sighted
-- Some unchanged identities were published again: remember when (microseconds since 1970). How many still have the
-- identity they were known by (another replica may have changed one since). Index: records_pkey; HOT, the row has room.
WITH seen AS (
    UPDATE records r SET seen = greatest(r.seen, timestamptz 'epoch' + n.at * interval '1 microsecond')
    FROM unnest($1::uuid[], $2::bytea[], $3::bigint[]) AS n (id, digest, at)
    WHERE r.id = n.id AND r.digest = n.digest RETURNING 1
)
SELECT count(*) FROM seen;

-- name: lock_index
-- One batch at a time changes the index, whichever replica it comes from; and what is committed. Index: the only row.
SELECT version FROM index_state FOR UPDATE;

-- name: committed
-- What is committed, to tell whether the index in memory is. Index: the only row.
SELECT version FROM index_state;

-- name: lock_identities
-- The wide rows of records whose identity may have changed; until we commit nobody else sights them. Index:
-- identities_pkey, records_pkey.
SELECT i.id, i.kind, i.partner, i.agreement, i.identity, i.times, i.snapshot, r.digest, r.seen, r.entity, r.version
FROM identities i JOIN records r USING (id) WHERE i.id = ANY ($1::uuid[]) FOR UPDATE OF r;

-- name: keep
-- All that a batch changed, in one round trip: each row is written once. Records that were said to be new or changed
-- ($1 to $12; no packed row: it stays as it is; `seen` is in microseconds since 1970); of others, the packed rows
-- ($13, $14) and where they are now ($15, $16); entities as they are after the batch ($17 to $20); what the index is
-- when this transaction commits ($21); and all that the batch touched ($22). $23: the version that is taken for
-- committed, and the records for new, without having asked; null: the index's lock is ours. The lock comes before all
-- else is written, as everywhere. Index: identities_pkey, records_pkey, entities_pkey, suppressed_pkey.
WITH locked AS MATERIALIZED (
    UPDATE index_state SET version = $21 WHERE $23::bigint IS NULL OR version = $23
        AND NOT EXISTS (SELECT FROM records WHERE id = ANY ($1::uuid[]))
        AND NOT EXISTS (SELECT FROM suppressed WHERE record = ANY ($1::uuid[]))
    RETURNING 1
), said AS (
    SELECT n.* FROM locked, unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[],
        $8::bytea[], $9::bytea[], $10::bigint[], $11::uuid[], $12::bigint[])
        AS n (id, kind, partner, agreement, identity, times, snapshot, row, digest, seen, entity, placed)
), wide AS (
    INSERT INTO identities (id, kind, partner, agreement, identity, times, snapshot, row, model, version)
    SELECT id, kind, partner, agreement, identity, times, string_to_array(snapshot, ' '), row,
        (SELECT number FROM models WHERE state = 'active'), $21 FROM said
    ON CONFLICT (id) DO UPDATE SET agreement = excluded.agreement, identity = excluded.identity,
        times = excluded.times, snapshot = excluded.snapshot, row = coalesce(excluded.row, identities.row),
        model = CASE WHEN excluded.row IS NULL THEN identities.model ELSE excluded.model END,
        version = CASE WHEN excluded.row IS NULL THEN identities.version ELSE excluded.version END
), narrow AS (
    INSERT INTO records (id, kind, digest, seen, entity, version)
    SELECT id, kind, digest, timestamptz 'epoch' + seen * interval '1 microsecond', entity, placed FROM said
    ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, seen = greatest(records.seen, excluded.seen),
        entity = excluded.entity, version = excluded.version
), packed AS (
    UPDATE identities i SET row = n.row, model = (SELECT number FROM models WHERE state = 'active'), version = $21
    FROM locked, unnest($13::uuid[], $14::bytea[]) AS n (id, row) WHERE i.id = n.id
), moved AS (
    UPDATE records r SET entity = n.entity, version = $21
    FROM locked, unnest($15::uuid[], $16::uuid[]) AS n (id, entity) WHERE r.id = n.id
), living AS (
    INSERT INTO entities (id, kind, members, version, into_entity)
    SELECT id, kind, string_to_array(members, ' ')::uuid[], $21, into_entity
    FROM locked, unnest($17::uuid[], $18::text[], $19::text[], $20::uuid[]) AS n (id, kind, members, into_entity)
    ON CONFLICT (id) DO UPDATE SET members = excluded.members, version = excluded.version,
        into_entity = excluded.into_entity
), noted AS (
    INSERT INTO journal (version, since, records, entities)
    SELECT $21, coalesce($23, (SELECT version FROM index_state)), $22::uuid[], $17::uuid[] FROM locked
)
SELECT CASE WHEN NOT EXISTS (SELECT FROM locked) THEN again('the index or a record of it has changed') END

-- name: note
-- What else the batch of a version touched: very many records or entities. Index: the only row.
INSERT INTO journal (version, since, records, entities) SELECT $1, version, $2::uuid[], $3::uuid[] FROM index_state;

-- name: journal
-- What has been touched since a version. Index: journal_version.
SELECT since, records, entities FROM journal WHERE version > $1 ORDER BY version;

-- name: forget_journal
-- Nobody follows from so long ago: they read everything. Index: journal_version.
DELETE FROM journal WHERE version IN (SELECT version FROM journal ORDER BY version LIMIT $2) AND at < $1;

-- name: touched
-- Records as the index takes them, those of some that are still here. Index: identities_pkey, records_pkey.
SELECT i.id, i.kind, i.identity, i.version, r.entity, i.agreement, i.row
FROM identities i JOIN records r USING (id) WHERE i.id = ANY ($1::uuid[]);

-- name: decided_about
-- What is decided about some records. Index: decisions_pkey, decisions_b.
SELECT a, b, verdict, by, reason, at FROM decisions WHERE a = ANY ($1::uuid[])
UNION SELECT a, b, verdict, by, reason, at FROM decisions WHERE b = ANY ($1::uuid[]);

-- name: everything
-- One kind of the whole index, to rebuild the half in memory: of rows only those that the active model weighed. After a
-- switch they may still be beside.
SELECT i.id, i.kind, i.identity, r.entity, i.agreement,
    CASE WHEN i.model = m.number THEN i.version ELSE coalesce(s.version, 0) END AS version,
    CASE WHEN i.model = m.number THEN i.row ELSE s.row END AS row
FROM identities i JOIN records r USING (id) LEFT JOIN models m ON m.state = 'active'
LEFT JOIN relinked s ON s.id = i.id AND s.model = m.number
WHERE i.kind = $1;

-- name: newest_entities
-- The greatest id of each kind that was ever given out (ids sort by age), once at a rebuild.
SELECT DISTINCT ON (kind) kind, id FROM entities ORDER BY kind, id DESC;

-- name: resolve
-- Entities by id, following redirects of merged ones to the end. Index: entities_pkey.
WITH RECURSIVE way AS (
    SELECT id AS asked, id, into_entity FROM entities WHERE id = ANY ($1::uuid[])
    UNION ALL
    SELECT way.asked, e.id, e.into_entity FROM way JOIN entities e ON e.id = way.into_entity
)
SELECT way.asked, e.id, e.kind, e.members, e.version
FROM way JOIN entities e USING (id) WHERE way.into_entity IS NULL;

-- name: known_as
-- All ids under which entities are or were known: these, and those that lead to them. Index: entities_pkey,
-- entities_into.
WITH RECURSIVE known AS (
    SELECT id, into_entity FROM entities WHERE id = ANY ($1::uuid[])
    UNION SELECT e.id, e.into_entity FROM known CROSS JOIN LATERAL (
        SELECT id, into_entity FROM entities WHERE entities.into_entity = known.id OFFSET 0
    ) e
)
SELECT id, into_entity FROM known;

-- name: members
-- The identities entities are made of, for their golden records. Index: identities_pkey, records_pkey.
SELECT i.id, i.kind, i.partner, i.agreement, i.identity, i.times, i.snapshot, r.digest, r.seen
FROM identities i JOIN records r USING (id) WHERE i.id = ANY ($1::uuid[]);

-- name: rulings
-- What stewards decided about pairs among these records. Index: decisions_pkey.
SELECT a, b, verdict, by, reason, at FROM decisions WHERE a = ANY ($1::uuid[]) AND b = ANY ($1::uuid[]);

-- name: ruled
-- The decisions made last, for the review desk: they are few.
SELECT a, b FROM decisions ORDER BY at DESC, a, b LIMIT $1;

-- name: conflicts
-- Decisions that do not hold, because other decisions or their records' absence outweigh them: they are few.
SELECT d.a, d.b FROM decisions d JOIN records ra ON ra.id = d.a JOIN records rb ON rb.id = d.b
WHERE (d.verdict = 'must') <> (ra.entity = rb.entity) ORDER BY d.at DESC LIMIT 100;

-- name: rule
-- What a steward decided about pairs; the newest decision on a pair holds. Index: decisions_pkey.
INSERT INTO decisions (a, b, verdict, by, reason, at)
SELECT a, b, $3, $4, $5, $6 FROM unnest($1::uuid[], $2::uuid[]) AS n (a, b)
ON CONFLICT (a, b) DO UPDATE SET verdict = excluded.verdict, by = excluded.by, reason = excluded.reason,
    at = excluded.at;

-- name: unrule
-- Decisions taken back. Index: decisions_pkey.
DELETE FROM decisions d USING unnest($1::uuid[], $2::uuid[]) AS n (a, b) WHERE d.a = n.a AND d.b = n.b;

-- name: decided
-- Every decision of the stewards, for a rebuild.
SELECT a, b, verdict FROM decisions;

-- name: keep_parts
-- Into what entities fall for a purpose; parts that are no more. Index: parts_pkey.
INSERT INTO parts (id, purpose, entity, members, living)
SELECT id, purpose, entity, string_to_array(members, ' ')::uuid[], living
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::boolean[]) AS n (id, purpose, entity, members, living)
ON CONFLICT (id, purpose) DO UPDATE SET entity = excluded.entity, members = excluded.members,
    living = excluded.living;

-- name: parts
-- Every living part, for a rebuild: they are few.
SELECT id, purpose, entity, members, living FROM parts WHERE living;

-- name: parts_of
-- Parts by their own id, and the living ones of an entity. Index: parts_pkey, parts_entity.
SELECT id, purpose, entity, members, living FROM parts WHERE id = ANY ($1::uuid[])
UNION SELECT id, purpose, entity, members, living FROM parts WHERE entity = ANY ($1::uuid[]) AND living;

-- name: parts_with
-- Parts of a person, entities $1 with records $2, living or not. One that is no more went where its last record is; but
-- one that bore the entity's own id stays the entity's, whose id that is. Index: parts_members, parts_ended.
SELECT id, purpose, entity, members, living FROM parts
WHERE members && $2::uuid[] AND (id <> entity OR entity = ANY ($1::uuid[]))
UNION SELECT id, purpose, entity, members, living FROM parts
WHERE entity = ANY ($1::uuid[]) AND NOT living AND (members = '{}' OR id = entity);

-- name: terms
-- What the agreements said of linking when the index's rows were written. Index: the only row.
SELECT terms FROM index_state;

-- name: keep_terms
-- What they say now, and the rows rest on. Index: the only row.
UPDATE index_state SET terms = $1;

-- name: agreements
-- The agreements that records are under, each found by a step along the index. Index: identities_agreement.
WITH RECURSIVE names AS (
    SELECT min(agreement) AS name FROM identities
    UNION ALL
    SELECT (SELECT min(agreement) FROM identities WHERE agreement > names.name) FROM names WHERE name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL;

-- name: under
-- Records under some agreements. Index: identities_agreement.
SELECT id FROM identities WHERE agreement = ANY ($1::text[]) ORDER BY agreement LIMIT $2;

-- name: behind
-- The next records in the order of their ids, to bring a change of the agreements to all. Index: identities_pkey.
SELECT id, agreement FROM identities WHERE id > $1 ORDER BY id LIMIT $2;

-- name: entities_behind
-- The next entities in the order of their ids. Index: entities_pkey.
SELECT id, kind FROM entities WHERE id > $1 ORDER BY id LIMIT $2;

-- name: withdraw
-- Records leave the index. Index: records_pkey, identities_pkey.
WITH gone AS (DELETE FROM records WHERE id = ANY ($1::uuid[]))
DELETE FROM identities WHERE id = ANY ($1::uuid[]);

-- name: withhold
-- Records whose agreement has ended, sealed until their retention is over. Index: withheld_pkey.
INSERT INTO withheld (id, agreement, until, sealed, entity)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::bytea[], $5::uuid[])
ON CONFLICT (id) DO UPDATE SET agreement = excluded.agreement, until = excluded.until, sealed = excluded.sealed,
    entity = excluded.entity;

-- name: withheld
-- Which of these are withheld. Index: withheld_pkey.
SELECT id FROM withheld WHERE id = ANY ($1::uuid[]);

-- name: withheld_of
-- What is withheld of entities, sealed. Index: withheld_entity.
SELECT id, agreement, until, sealed FROM withheld WHERE entity = ANY ($1::uuid[]);

-- name: release
-- Withheld records that are erased, and what a wanted model says of records that are. Index: withheld_pkey,
-- relinked_pkey.
WITH beside AS (DELETE FROM relinked WHERE id = ANY ($1::uuid[]))
DELETE FROM withheld WHERE id = ANY ($1::uuid[]);

-- name: expire
-- Some withheld records whose retention was over before a day. Index: withheld_until, withheld_pkey.
DELETE FROM withheld WHERE id IN (SELECT id FROM withheld WHERE until < $1 ORDER BY until LIMIT $2)
RETURNING id, agreement, entity;

-- name: register
-- That records were erased, on which ground and why.
INSERT INTO erasures (id, at, by, ground, reason) VALUES ($1, $2, $3, $4, $5);

-- name: suppress
-- Records of which nothing more is taken in, or nothing that happened before. Index: suppressed_pkey.
INSERT INTO suppressed (record, erasure) SELECT record, $2 FROM unnest($1::uuid[]) AS record
ON CONFLICT (record) DO UPDATE SET erasure = excluded.erasure;

-- name: suppressed
-- The erasures of records. Index: suppressed_pkey, erasures_pkey.
SELECT s.record, e.ground, e.at FROM suppressed s JOIN erasures e ON e.id = s.erasure WHERE s.record = ANY ($1::uuid[]);

-- name: undecide
-- Decisions about records that are erased go with them. Index: decisions_pkey, decisions_b.
DELETE FROM decisions WHERE a = ANY ($1::uuid[]) OR b = ANY ($1::uuid[]) RETURNING a, b;

-- name: active_model
-- The model that weighs. Index: models_active.
SELECT number, version, json, state, at, by, activated, snapshot, report, given_up FROM models WHERE state = 'active';

-- name: active_number
-- The number of the model that weighs. Index: models_active.
SELECT number FROM models WHERE state = 'active';

-- name: beside
-- The model that stands beside the active one. Index: models_beside.
SELECT number, version, json, state, at, by, activated, snapshot, report, given_up FROM models
WHERE state IN ('shadow', 'wanted');

-- name: models
-- All models there ever were, the newest first: they are few.
SELECT number, version, json, state, at, by, activated, snapshot, report, given_up FROM models
ORDER BY at DESC, number DESC;

-- name: keep_model
-- A model and its state. One that was here before is known by its version, which names its very bytes.
INSERT INTO models (version, kind, json, state, by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (version) DO UPDATE SET state = excluded.state, by = excluded.by, at = clock_timestamp(), report = NULL,
    given_up = NULL
RETURNING number;

-- name: seed_model
-- The first model of an empty database, whoever of several is first.
INSERT INTO models (version, kind, json, state, by, activated) VALUES ($1, $2, $3, 'active', $4, now()) ON CONFLICT DO NOTHING;

-- name: set_state
-- What becomes of a model. Index: models_pkey.
UPDATE models SET state = $2, by = $3, snapshot = $4, given_up = NULL, at = clock_timestamp(),
    activated = CASE WHEN $2 = 'active' THEN clock_timestamp() ELSE activated END
WHERE number = $1;

-- name: give_up
-- The switch to a model that was handed over at a moment did not come about: if it is still wanted, and as of that very
-- moment, it is the shadow again. Index: models_pkey.
UPDATE models SET state = 'shadow', by = $3, snapshot = NULL, given_up = $4, at = clock_timestamp()
WHERE number = $1 AND state = 'wanted' AND snapshot = $2 RETURNING number;

-- name: report
-- What a shadow would change. Index: models_pkey.
UPDATE models SET report = $2 WHERE number = $1;

-- name: export_snapshot
-- This transaction's moment, for another connection to read the same.
SELECT pg_export_snapshot();

-- name: identities_of
-- All identities of a kind and their entities.
SELECT i.id, i.identity, i.agreement, r.entity FROM identities i JOIN records r USING (id) WHERE i.kind = $1;

-- name: agreement_of
-- Under which agreement each record is.
SELECT id, agreement FROM identities;

-- name: training
-- What a model is learned from.
SELECT i.partner, i.agreement, i.identity, r.entity FROM identities i JOIN records r USING (id) WHERE i.kind = $1;

-- name: memberships
-- Which entity each record of a kind is in.
SELECT id, entity FROM records WHERE kind = $1;

-- name: rows_of
-- The edges of a kind's records as they are kept, to tell which differ.
SELECT id, row FROM identities WHERE kind = $1;

-- name: forget_relinked
-- What was relinked for a switch that never came.
DELETE FROM relinked;

-- name: keep_relinked
-- What changed under the wanted model, of records that are still here. Index: relinked_pkey, identities_pkey.
INSERT INTO relinked (model, version, id, row, entity)
SELECT $1, $2, n.id, n.row, n.entity FROM unnest($3::uuid[], $4::bytea[], $5::uuid[]) AS n (id, row, entity)
JOIN identities i ON i.id = n.id
ON CONFLICT (id) DO UPDATE SET row = excluded.row, entity = excluded.entity, version = excluded.version;

-- name: drop_gone
-- What a wanted model says of records that are no more.
DELETE FROM relinked r WHERE NOT EXISTS (SELECT FROM identities i WHERE i.id = r.id);

-- name: relinked
-- The index as the wanted model has it, to take it into memory.
SELECT i.id, i.kind, i.identity, s.version, s.entity, i.agreement, s.row FROM relinked s JOIN identities i USING (id);

-- name: unsettled
-- Whether rows of a switch are still beside: all that are there are of one model, so any of them tells. It is asked every
-- second, also while millions wait for another model's switch. Index: relinked_pkey.
SELECT EXISTS (SELECT FROM (SELECT model FROM relinked ORDER BY id LIMIT 1) one WHERE model = $1);

-- name: settle
-- After a switch: some rows move to their place. A row that the stream has written since is newer and stays. In order,
-- so that no step reads what the steps before it took away. Index: relinked_pkey, identities_pkey.
WITH part AS (
    DELETE FROM relinked WHERE id IN (SELECT id FROM relinked WHERE model = $1 ORDER BY id LIMIT $2)
    RETURNING id, row, version
), moved AS (
    UPDATE identities i SET row = part.row, model = $1, version = part.version FROM part WHERE i.id = part.id AND i.model IS DISTINCT FROM $1
)
SELECT count(*) FROM part;
