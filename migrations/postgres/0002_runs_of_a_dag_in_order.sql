-- The runs of one DAG in the order they were made, which is the order of lists where none is asked for.
-- Neither column ever changes, so an update of a run does not touch it.
CREATE INDEX dag_run_dag_id_id ON dag_run (dag_id, id);
