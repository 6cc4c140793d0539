-- What a transaction does at its end, as functions: so it goes in one round trip with the last that the service writes.
-- The names of the parameters are no column's.

-- Nothing is away, but what a transaction took for granted is not so: it is begun again (shared.errors.Again).
CREATE FUNCTION again(because text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = because;
END $$;

-- Note messages as done. Whoever does the same is waited for. Index: inbox_pkey.
CREATE FUNCTION enter(messages_done uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE entered bigint;
BEGIN
    INSERT INTO inbox (id) SELECT unnest(messages_done) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS entered = ROW_COUNT;
    IF entered < cardinality(messages_done) THEN
        PERFORM again(format('%s of %s messages were done before',
            cardinality(messages_done) - entered, cardinality(messages_done)));
    END IF;
END $$;

-- Keep what must be said, in the transaction that decides it: `packed` is of a process that will send it. Forget what
-- the broker has acknowledged; note messages as done. Index: outbox_pkey, inbox_pkey.
CREATE FUNCTION say(sender bigint, packed bytea, acknowledged bigint[], messages_done uuid[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE said bigint;
BEGIN
    PERFORM enter(messages_done);
    DELETE FROM outbox WHERE id = ANY (acknowledged);
    INSERT INTO outbox (owner, messages) VALUES (sender, packed) RETURNING id INTO said;
    RETURN said;
END $$;
