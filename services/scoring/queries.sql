-- name: lock
-- One at a time decides about a record ($1 = 1) or an entity (2): what replicas do with it follows one another. Records
-- before entities, $2 sorted, so that two transactions cannot wait for each other. The first, -1, is shared by all but
-- ``lock_all``.
SELECT CASE WHEN key < 0 THEN pg_advisory_xact_lock_shared($1, key) ELSE pg_advisory_xact_lock($1, key) END
FROM unnest($2::int[]) AS key;

-- name: lock_all
-- All of them at once, for who decides about very many: each lock has a place in the server's memory, and a batch that
-- asked for more than there are would be refused however often it is tried.
SELECT pg_advisory_xact_lock($1, -1);

-- name: lock_standings
-- To which entity records belong by what was heard so far; and, in the order of ``lock``, the locks of these entities and
-- of $2 (keys, the first -1), unless that is null. What is read here is of records, which are locked: of the entities
-- nothing is known until the next statement. Index: members_pkey.
WITH known AS MATERIALIZED (
    SELECT record, entity, version, parts, erased FROM members WHERE record = ANY ($1::uuid[])
), keys AS MATERIALIZED (
    SELECT unnest($2::int[]) AS key
    UNION SELECT ('x' || right(entity::text, 8))::bit(32)::int & 2147483647 FROM known WHERE $2 IS NOT NULL
    ORDER BY key
), locked AS MATERIALIZED (
    SELECT CASE WHEN key < 0 THEN pg_advisory_xact_lock_shared(2, key) ELSE pg_advisory_xact_lock(2, key) END FROM keys
)
SELECT record, entity, version, parts, erased FROM known WHERE (SELECT count(*) FROM locked) >= 0;

-- name: claim
-- Keep the newer claims on records. A fact knows no parts: within its entity those that are known stay. Index:
-- members_pkey.
INSERT INTO members (record, entity, version, parts)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::jsonb[])
ON CONFLICT (record) DO UPDATE SET entity = excluded.entity, version = excluded.version,
    parts = CASE WHEN members.entity = excluded.entity THEN coalesce(excluded.parts, members.parts) ELSE excluded.parts END
WHERE (members.version, members.entity) < (excluded.version, excluded.entity)
    OR (members.version, members.entity) = (excluded.version, excluded.entity) AND excluded.parts IS NOT NULL;

-- name: depart
-- Keep what the newest change took away from an entity. Index: departures_pkey.
INSERT INTO departures (entity, version, remaining, ended, into_entity) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (entity) DO UPDATE
SET version = excluded.version, remaining = excluded.remaining, ended = excluded.ended,
    into_entity = excluded.into_entity
WHERE departures.version < excluded.version;

-- name: erase_records
-- Nothing that was linked before this version may come back. Index: members_pkey.
INSERT INTO members (record, entity, version, erased)
SELECT record, $2, 0, $3 FROM unnest($1::uuid[]) AS record
ON CONFLICT (record) DO UPDATE SET erased = greatest(members.erased, excluded.erased);

-- name: erase_states
-- Forget what is counted of erased records. Index: states_pkey.
DELETE FROM states WHERE record = ANY ($1::uuid[]) AND since <= $2;

-- name: erase_receipts
-- Forget what was said of an entity, of those that were merged into it and of its parts: everything ($3), or what rests
-- on some records. Returns whose receipts went. Index: departures_into, scores_whole, receipts_entity.
WITH RECURSIVE gone (entity) AS (
    SELECT $1::uuid UNION SELECT d.entity FROM departures d JOIN gone ON d.into_entity = gone.entity
), theirs AS (
    SELECT entity FROM gone
    UNION SELECT s.entity FROM scores s JOIN gone ON s.whole = gone.entity WHERE s.whole <> s.entity
)
DELETE FROM receipts WHERE entity = ANY (ARRAY(SELECT entity FROM theirs)) AND ($3 OR members && $2::uuid[])
RETURNING entity;

-- name: append
-- What facts add to what is counted of records: states put together are a state, so nothing need be read. Returns those
-- that have grown long. Index: states_pkey.
WITH kept AS (
    INSERT INTO states (record, initiative, tiles, newest, since, area, area_at, agreements)
    SELECT record, initiative, tiles, to_timestamp(newest), since, area, to_timestamp(area_at), agreements FROM unnest(
        $1::uuid[], $2::text[], $3::bytea[], $4::float8[], $5::bigint[], $6::text[], $7::float8[], $8::text[]
    ) AS added (record, initiative, tiles, newest, since, area, area_at, agreements)
    ON CONFLICT (record, initiative) DO UPDATE SET
        tiles = states.tiles || excluded.tiles,
        newest = greatest(states.newest, excluded.newest),
        since = least(states.since, excluded.since),
        area = CASE
            WHEN (excluded.area_at, excluded.area COLLATE "C") > (states.area_at, states.area COLLATE "C")
            THEN excluded.area ELSE states.area
        END,
        area_at = greatest(states.area_at, excluded.area_at),
        agreements = CASE
            WHEN states.agreements = excluded.agreements
                OR string_to_array(states.agreements, ',') @> string_to_array(excluded.agreements, ',')
            THEN states.agreements ELSE states.agreements || ',' || excluded.agreements
        END
    RETURNING record, initiative, CASE WHEN octet_length(tiles) > $9 THEN tiles END AS tiles
)
SELECT record, initiative, tiles FROM kept WHERE tiles IS NOT NULL;

-- name: shorten
-- The same counts in fewer tiles. Index: states_pkey.
UPDATE states SET tiles = short.tiles
FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS short (record, initiative, tiles)
WHERE states.record = short.record AND states.initiative = short.initiative;

-- name: scored
-- What is counted of the records of entities ($1, and those of $4 of whom anything was said), each with the part that the
-- purpose ($3) of an initiative ($2) sees it in; what was last said of them and of their parts, old and new; and with each
-- a version for what is said next. A record is a member when the claim on it is newer than what last left the entity, or
-- it stayed then. Written so that it can only go from the entities outwards (MATERIALIZED, OFFSET 0): a plan made while
-- the tables are small reads them whole and is kept when they are not. Index: members_entity, departures_pkey,
-- states_pkey, scores_pkey, scores_whole.
WITH theirs AS MATERIALIZED (
    SELECT * FROM scores WHERE entity = ANY ($1::uuid[] || $4::uuid[])
    UNION ALL SELECT * FROM scores WHERE whole = ANY ($1::uuid[] || $4::uuid[]) AND whole <> entity
), asked AS MATERIALIZED (
    SELECT unnest($1::uuid[]) AS entity
    UNION ALL SELECT entity FROM unnest($4::uuid[]) AS entity
    WHERE entity IN (SELECT entity FROM theirs UNION ALL SELECT whole FROM theirs)
), counted AS MATERIALIZED (
    SELECT coalesce((m.parts ->> i.purpose)::uuid, m.entity) AS entity, i.initiative, m.entity AS whole, m.record,
        m.version, s.tiles, s.newest, s.area, s.area_at, s.agreements
    FROM members m CROSS JOIN unnest($2::text[], $3::text[]) AS i (initiative, purpose)
    CROSS JOIN LATERAL (
        SELECT * FROM states WHERE states.record = m.record AND states.initiative = i.initiative OFFSET 0
    ) s
    WHERE m.entity = ANY (ARRAY(SELECT entity FROM asked)) AND NOT EXISTS (
        SELECT FROM departures d WHERE d.entity = m.entity AND d.version >= m.version AND m.record <> ALL (d.remaining)
        OFFSET 0
    )
), said AS (
    SELECT * FROM theirs
    UNION ALL SELECT s.* FROM counted c CROSS JOIN LATERAL (
        SELECT * FROM scores WHERE scores.entity = c.entity OFFSET 0
    ) s WHERE c.entity <> c.whole
)
SELECT entity, initiative, nextval('score_versions'), whole, record, version, tiles, newest, area, area_at, agreements,
    NULL::bigint, NULL::float8, NULL, NULL, NULL::uuid, NULL::bigint, NULL, NULL::uuid, NULL::date, NULL::date,
    NULL::uuid
FROM counted
UNION ALL
SELECT entity, initiative, nextval('score_versions'), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    version, score, reasons, area, into_entity, membership, model, receipt, swept, due, whole
FROM said;

-- name: endings
-- What left entities of which nothing is counted any more, and whether anybody is still in them. Index:
-- departures_pkey, members_entity.
SELECT d.entity, d.version, CASE WHEN NOT d.ended OR EXISTS (
    SELECT FROM members m
    WHERE m.entity = d.entity AND (m.version > d.version OR m.record = ANY (d.remaining))
) THEN NULL ELSE d.into_entity END AS into_entity
FROM departures d WHERE d.entity = ANY ($1::uuid[]);

-- name: said
-- The newest said score of an entity for an initiative. Index: scores_pkey.
SELECT version, score, reasons, area, into_entity, membership, model, receipt, swept, due, whole
FROM scores WHERE entity = $1 AND initiative = $2;

-- name: keep
-- The scores that are said now, and a receipt for each. Index: scores_pkey.
WITH told AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::float8[], $5::bigint[], $6::text[], $7::uuid[], $8::timestamptz[],
        $9::text[], $10::text[], $11::uuid[], $12::date[], $13::date[], $14::uuid[], $15::timestamptz[], $16::bytea[],
        $17::bytea[], $18::text[], $19::float8[], $20::float8[], $21::text[]
    ) AS told (
        entity, initiative, version, score, membership, model, receipt, as_of, reasons, area, into_entity, swept, due,
        whole, at, vector, contributions, members, raise_at, lower_at, agreements
    )
), kept AS (
    INSERT INTO scores (
        entity, initiative, version, score, reasons, area, into_entity, membership, model, receipt, as_of, swept, due,
        whole
    )
    SELECT entity, initiative, version, score, reasons, area, into_entity, membership, model, receipt, as_of, swept, due,
        whole
    FROM told
    ON CONFLICT (entity, initiative) DO UPDATE
    SET version = excluded.version, score = excluded.score, reasons = excluded.reasons, area = excluded.area,
        into_entity = excluded.into_entity, membership = excluded.membership, model = excluded.model,
        receipt = excluded.receipt, as_of = excluded.as_of, swept = excluded.swept, due = excluded.due,
        whole = excluded.whole
), receipted AS (
    INSERT INTO receipts (
        id, at, initiative, entity, version, as_of, score, vector, contributions, members, membership, model, raise_at,
        lower_at, agreements
    )
    SELECT receipt, at, initiative, entity, version, as_of, score, vector, contributions, members::uuid[], membership,
        model, raise_at, lower_at, agreements
    FROM told
)
SELECT NULL

-- name: postpone
-- When unsaid scores must be looked at again. Index: scores_pkey.
WITH postponed AS (
    UPDATE scores SET swept = late.swept, due = late.due
    FROM unnest($1::uuid[], $2::text[], $3::date[], $4::date[]) AS late (entity, initiative, swept, due)
    WHERE scores.entity = late.entity AND scores.initiative = late.initiative
)
SELECT NULL

-- name: due
-- Entities whose windows, or a part's, lose something by a day, the longest overdue first. Index: scores_due.
SELECT whole FROM scores WHERE due <= $1 ORDER BY due LIMIT $2;

-- name: outdate
-- A new model: everything it has not scored is due at once.
UPDATE scores SET due = date '1970-01-01' WHERE initiative = $1 AND model <> $2 AND score IS NOT NULL;

-- name: newest
-- The newest moment up to which anything was scored; at start.
SELECT max(as_of) FROM scores;

-- name: register
-- Remember a model for as long as its receipts. Index: models_pkey.
INSERT INTO models (initiative, sha256, features, content, card, loaded_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (initiative, sha256) DO UPDATE SET card = excluded.card;

-- name: model
-- A registered model. Index: models_pkey.
SELECT features, content FROM models WHERE initiative = $1 AND sha256 = $2;

-- name: receipt
-- One receipt. Index: receipts_pkey.
SELECT id, at, initiative, entity, version, as_of, score, vector, contributions, members, membership, model, raise_at,
    lower_at, agreements
FROM receipts WHERE id = $1;

-- name: one_with
-- These ids, and those that they lead to or that lead to them; as ``scored``, from the ids outwards. Whose a part is that
-- is no more, linkage alone knows, and names it. Index: departures_pkey, departures_into.
WITH RECURSIVE onward (entity) AS (
    SELECT unnest($1::uuid[])
    UNION SELECT d.into_entity FROM onward CROSS JOIN LATERAL (
        SELECT into_entity FROM departures WHERE departures.entity = onward.entity OFFSET 0
    ) d WHERE d.into_entity IS NOT NULL
), back (entity) AS (
    SELECT entity FROM onward
    UNION SELECT d.entity FROM back CROSS JOIN LATERAL (
        SELECT entity FROM departures WHERE into_entity = back.entity OFFSET 0
    ) d
)
SELECT entity FROM back;

-- name: ended
-- Those of entities that were erased. Index: departures_pkey.
SELECT entity FROM departures WHERE entity = ANY ($1::uuid[]) AND ended AND into_entity IS NULL;

-- name: members_of
-- The records of entities; ``is_erased``: nothing of it is counted any more. Index: members_entity.
SELECT record, entity, version, erased >= version AS is_erased FROM members WHERE entity = ANY ($1::uuid[])
ORDER BY record;

-- name: states_of
-- What is counted of records. Index: states_pkey.
SELECT record, initiative, tiles, newest, area, agreements FROM states WHERE record = ANY ($1::uuid[])
ORDER BY initiative, record;

-- name: scores_of
-- What was last said of entities. Index: scores_pkey.
SELECT entity, initiative, version, score, reasons, area, into_entity, membership, model, receipt, as_of
FROM scores WHERE entity = ANY ($1::uuid[]) ORDER BY initiative, version;

-- name: receipts_of
-- All that was ever said of entities, the newest first. Index: receipts_entity.
SELECT id, at, initiative, entity, version, as_of, score, vector, contributions, members, membership, model, raise_at,
    lower_at, agreements
FROM receipts WHERE entity = ANY ($1::uuid[]) ORDER BY version DESC;

-- name: cards
-- What the registry says of models. Index: models_pkey.
SELECT m.initiative, m.sha256, m.features, m.card
FROM unnest($1::text[], $2::text[]) AS asked (initiative, sha256) JOIN models m USING (initiative, sha256)
ORDER BY m.loaded_at DESC;

-- name: distribution
-- How many entities have a score in each twentieth. Reads all scores: for a page, not for a batch.
SELECT least(width_bucket(score, 0, 1, 20), 20) AS bin, count(*) AS entities
FROM scores WHERE initiative = $1 AND score IS NOT NULL GROUP BY 1 ORDER BY 1;

-- name: counts
-- How many entities have a score, one at or above the upper threshold, one between the two. Reads all scores.
SELECT count(*) AS scored, count(*) FILTER (WHERE score >= $2) AS above,
    count(*) FILTER (WHERE score >= $3 AND score < $2) AS between
FROM scores WHERE initiative = $1 AND score IS NOT NULL;
