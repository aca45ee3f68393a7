// Airflow's address of a task instance leads to the run with that task open.
import { Navigate, useParams } from 'react-router';
import { links } from '../../app/links';

export function TaskRedirect() {
  const { dagId = '', runId = '', taskId = '', mapIndex } = useParams();
  return <Navigate replace to={links.task(dagId, runId, taskId, mapIndex === undefined ? -1 : Number(mapIndex))} />;
}
