-- What is held of one person is found from the person (services/linkage/desk/subject_access.py): the ids that lead to an
-- entity, what is withheld of it, the parts that its records are or were in. Partial, for these rows are few.
CREATE INDEX entities_into ON entities (into_entity) WHERE into_entity IS NOT NULL;
CREATE INDEX withheld_entity ON withheld (entity) WHERE entity IS NOT NULL;
CREATE INDEX parts_members ON parts USING gin (members);
CREATE INDEX parts_ended ON parts (entity) WHERE NOT living;
