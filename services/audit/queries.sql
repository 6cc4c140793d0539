-- name: lock_head
-- The head, and nobody else appends or erases until this transaction ends. Index: as head.
SELECT size, note, frontier, erasure FROM lock_head();

-- name: head
-- The newest checkpoint with its frontier, and the newest erasure. Index: checkpoints_pkey, erasures_pkey.
SELECT c.size, c.note, c.frontier, (SELECT max(seq) FROM erasures) AS erasure
FROM checkpoints c ORDER BY c.size DESC LIMIT 1;

-- name: keys_of
-- The keys of these entities. Index: subjects_entity_key.
SELECT number, entity, sealed_key FROM subjects WHERE entity = ANY ($1::uuid[]);

-- name: keys_numbered
-- The keys behind these numbers; an erased one is not among them. Index: subjects_pkey.
SELECT number, entity, sealed_key FROM subjects WHERE number = ANY ($1::bigint[]);

-- name: add_subjects
-- Entities met for the first time; one that another replica is just adding waits for it and is left to it.
INSERT INTO subjects (entity, sealed_key) SELECT * FROM unnest($1::uuid[], $2::bytea[])
ON CONFLICT DO NOTHING RETURNING number, entity;

-- name: keep_checkpoint
-- The log after this transaction, and the subtrees it completed.
WITH completed AS (
    INSERT INTO subtrees (height, place, hash) SELECT * FROM unnest($4::smallint[], $5::bigint[], $6::bytea[])
), kept AS (
    INSERT INTO checkpoints (size, note, frontier) VALUES ($1, $2, $3)
)
SELECT NULL

-- name: destroy_keys
-- Erase what the log says of these entities. Index: subjects_entity_key.
DELETE FROM subjects WHERE entity = ANY ($1::uuid[]) RETURNING number, entity;

-- name: keep_erasures
-- Which entry tells of which erasure.
INSERT INTO erasures (seq, subject) SELECT * FROM unnest($1::bigint[], $2::bigint[]);

-- name: of_subjects
-- Who saw these subjects, newest first, before entry $2, in [$3, $4), at most $5. Index: entries_subject, once a number.
SELECT e.* FROM unnest($1::bigint[]) AS wanted (subject)
CROSS JOIN LATERAL (
    SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries
    WHERE entries.subject = wanted.subject AND seq < $2 AND at >= $3 AND at < $4
    ORDER BY seq DESC LIMIT $5
) e ORDER BY e.seq DESC LIMIT $5;

-- name: by_people
-- What people, and no service, did with this subject, newest first: linkage's erasure is among it. Index: entries_subject.
SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries
WHERE subject = $1 AND actor NOT LIKE 'service:%'
ORDER BY seq DESC;

-- name: of_person
-- What this person did; as of_subjects. Index: entries_actor.
SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries
WHERE actor = $1 AND actor NOT LIKE 'service:%' AND seq < $2 AND at >= $3 AND at < $4
ORDER BY seq DESC LIMIT $5;

-- name: of_service
-- What this service did; as of_subjects. Walks back by entries_pkey: one entry in a few is a given service's.
SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries
WHERE actor = $1 AND seq < $2 AND at >= $3 AND at < $4
ORDER BY seq DESC LIMIT $5;

-- name: entry
-- One entry. Index: entries_pkey.
SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries WHERE seq = $1;

-- name: leaves
-- Leaf hashes of several spans of entries. Index: entries_pkey.
SELECT seq AS place, leaf AS hash FROM unnest($1::bigint[], $2::bigint[]) AS span (first, until)
JOIN entries ON seq >= span.first AND seq < span.until;

-- name: subtrees
-- Subtree hashes of several spans of one height each. Index: subtrees_pkey.
SELECT height, place, hash FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS span (level, first, until)
JOIN subtrees ON height = span.level AND place >= span.first AND place < span.until;

-- name: all_entries
-- Verification reads everything, in the order of the tree. Index: entries_pkey.
SELECT seq, at, subject, actor, commitment, leaf, sealed FROM entries ORDER BY seq;

-- name: all_checkpoints
-- As all_entries. Index: checkpoints_pkey.
SELECT size, note, frontier FROM checkpoints ORDER BY size;

-- name: count_checkpoints
-- How many there are.
SELECT count(*) FROM checkpoints;

-- name: newest_checkpoints
-- To find the newest whose signature holds. Index: checkpoints_pkey.
SELECT note FROM checkpoints ORDER BY size DESC;

-- name: all_subtrees
-- One row in 256 entries.
SELECT height, place, hash FROM subtrees;

-- name: all_subjects
-- Which keys there are. Index: subjects_pkey.
SELECT number, entity FROM subjects ORDER BY number;

-- name: all_erasures
-- Which were destroyed.
SELECT seq, subject FROM erasures;
