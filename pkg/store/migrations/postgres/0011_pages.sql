-- A page of an account's projects is read from its index, in order. Releases that are
-- not at an end are few, and are asked for at each change and look.
CREATE INDEX projects_page ON projects (account_id, name);
DROP INDEX projects_account;
CREATE INDEX releases_unfinished ON releases (project_id, state) WHERE state IN ('pending', 'interrupted');
