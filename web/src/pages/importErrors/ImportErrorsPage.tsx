// What is wrong with which DAG file, with its place and a hint.
import { useQuery } from '@tanstack/react-query';
import { listImportErrors } from '../../api/importErrors';
import { keys } from '../../api/keys';
import { useTitle } from '../../app/useTitle';
import { EmptyNotice, ErrorNotice, Loading } from '../../components/Notice';
import { ImportErrorItem } from './ImportErrorItem';

export function ImportErrorsPage() {
  useTitle('Import errors');
  const errors = useQuery({ queryKey: keys.importErrors, queryFn: ({ signal }) => listImportErrors(signal) });
  return (
    <div className="page">
      <header className="page__head">
        <h1>Import errors</h1>
        <p className="muted">Files that give no DAG, or not all of it. Correct and save the file: the error goes away by itself.</p>
      </header>
      <div className="page__body">
        {errors.isPending && <Loading what="import errors" />}
        {errors.isError && <ErrorNotice error={errors.error} retry={() => void errors.refetch()} />}
        {errors.data?.length === 0 && <EmptyNotice title="Every DAG file is fine" />}
        {errors.data?.map((error) => (
          <ImportErrorItem key={error.import_error_id} error={error} />
        ))}
      </div>
    </div>
  );
}
