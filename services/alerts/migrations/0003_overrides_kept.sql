-- What the rights of 0002 let pass, for they are by column: a verdict is final, an override is never prolonged, and
-- words only go.
CREATE FUNCTION overrides_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.until > OLD.until OR NEW.reason NOT IN (OLD.reason, '') OR OLD.verdict IS NOT NULL AND (
        NEW.note NOT IN (OLD.note, '')
        OR (NEW.until, NEW.reviewer, NEW.reviewer_name, NEW.reviewed_at, NEW.verdict)
            IS DISTINCT FROM (OLD.until, OLD.reviewer, OLD.reviewer_name, OLD.reviewed_at, OLD.verdict)
    ) THEN
        RAISE EXCEPTION 'an override only gains a verdict and loses its words' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER overrides_kept BEFORE UPDATE ON overrides FOR EACH ROW EXECUTE FUNCTION overrides_kept();
