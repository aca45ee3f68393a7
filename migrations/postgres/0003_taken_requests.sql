-- When the first part of what a request asks for was written, where that needs several commits. Such a
-- request can't be withdrawn any more; it stays open until it is answered.
ALTER TABLE request ADD COLUMN taken_at timestamptz;
