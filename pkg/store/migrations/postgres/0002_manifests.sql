-- A manifest is the zstd-compressed delta from the empty one (package delta).
DELETE FROM trees;
CREATE INDEX trees_latest ON trees (project_id, created_at);
