// Triggers a run: a form made from the DAG's params, and what a run may be given besides.
import { useQuery } from '@tanstack/react-query';
import { dagDetails } from '../api/dags';
import { keys } from '../api/keys';
import { Dialog } from '../components/Dialog';
import { ErrorNotice, Loading } from '../components/Notice';
import { fieldsOf } from './fields';
import { TriggerForm } from './TriggerForm';

export function TriggerDialog({ dagId, onClose }: { dagId: string; onClose: () => void }) {
  const details = useQuery({ queryKey: keys.dagDetails(dagId), queryFn: ({ signal }) => dagDetails(dagId, signal) });
  return (
    <Dialog title={`Trigger ${dagId}`} onClose={onClose}>
      {details.isPending && <Loading what="params" />}
      {details.isError && <ErrorNotice error={details.error} retry={() => void details.refetch()} />}
      {details.isSuccess && (
        <TriggerForm dagId={dagId} isPaused={details.data.is_paused} fields={fieldsOf(details.data.params ?? {})} onClose={onClose} />
      )}
    </Dialog>
  );
}
