-- Nothing is away, but what a transaction took for granted is not so: it is begun again (shared.errors.Again). As a
-- function, a statement can say so by itself. It returns nothing ever.
CREATE FUNCTION again(because text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = because;
END $$;
