// The text of the DAG file.
import { useQuery } from '@tanstack/react-query';
import { dagSource } from '../../api/dags';
import { keys } from '../../api/keys';
import { EmptyNotice, ErrorNotice, Loading } from '../../components/Notice';

export function DagCode({ dagId }: { dagId: string }) {
  const source = useQuery({ queryKey: keys.dagSource(dagId), queryFn: ({ signal }) => dagSource(dagId, signal) });
  if (source.isPending) return <Loading what="source" />;
  if (source.isError) return <ErrorNotice error={source.error} retry={() => void source.refetch()} />;
  if (!source.data.content) return <EmptyNotice title="No source is stored for this DAG" />;
  return (
    <pre className="dag__code" aria-label="DAG file">
      {source.data.content.split('\n').map((line, index) => (
        <span key={index}>{line === '' ? ' ' : line}</span>
      ))}
    </pre>
  );
}
