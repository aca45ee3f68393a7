// What a task pushed for others. A value is read when its entry is shown.
import { useQuery } from '@tanstack/react-query';
import { keys } from '../../api/keys';
import { xcomEntries, xcomValue } from '../../api/taskInstances';
import type { TaskRef, XComEntry } from '../../api/types';
import { Json } from '../../components/Json';
import { EmptyNotice, ErrorNotice, Loading } from '../../components/Notice';
import { Time } from '../../components/Time';

export function XComPanel({ taskRef }: { taskRef: TaskRef }) {
  const entries = useQuery({ queryKey: keys.xcoms(taskRef), queryFn: ({ signal }) => xcomEntries(taskRef, signal) });
  if (entries.isPending) return <Loading what="XComs" />;
  if (entries.isError) return <ErrorNotice error={entries.error} retry={() => void entries.refetch()} />;
  if (entries.data.length === 0) {
    return <EmptyNotice title="No XComs">A task pushes its last line of output, or what it writes to $UPDRAFT_OUTPUT.</EmptyNotice>;
  }
  return entries.data.map((entry) => <XComItem key={entry.key} taskRef={taskRef} entry={entry} />);
}

function XComItem({ taskRef, entry }: { taskRef: TaskRef; entry: XComEntry }) {
  const { data, error } = useQuery({
    queryKey: [...keys.xcoms(taskRef), entry.key, entry.timestamp],
    queryFn: ({ signal }) => xcomValue(taskRef, entry.key, signal),
  });
  return (
    <article className="xcom" aria-label={`XCom ${entry.key}`}>
      <h3>
        {entry.key}
        <span className="muted">
          <Time iso={entry.timestamp} />
        </span>
      </h3>
      {error && <p className="dialog__error">{error.message}</p>}
      {data && <Json value={data.value} />}
    </article>
  );
}
