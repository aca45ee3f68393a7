// What is wrong with the file of a DAG whose older version is in use.
import { useQuery } from '@tanstack/react-query';
import { listImportErrors } from '../../api/importErrors';
import { keys } from '../../api/keys';
import type { DagDetails } from '../../api/types';
import { Finding } from '../importErrors/Finding';
import './DagImportError.css';

export function DagImportError({ dag }: { dag: DagDetails }) {
  const errors = useQuery({ queryKey: keys.importErrors, queryFn: ({ signal }) => listImportErrors(signal) });
  const error = errors.data?.find(({ filename }) => filename === dag.relative_fileloc);
  if (error === undefined) return null;
  return (
    <section className="dag-import-error" aria-label="Import error">
      <p>The file of this DAG has an import error. What is shown here, and what runs, is the last version without one.</p>
      <ul>
        {error.diagnostics.map((one, index) => (
          <Finding key={index} file={error.filename} finding={one} />
        ))}
      </ul>
    </section>
  );
}
