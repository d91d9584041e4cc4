-- sources are the commits that a layer's packages were built from, as a JSON array;
-- empty where none comes from a repository.
ALTER TABLE layers ADD COLUMN sources TEXT NOT NULL DEFAULT '';
