// One thing that is wrong with a DAG file: what, a hint, and where.
import type { Diagnostic } from '../../api/types';
import './Finding.css';

export function Finding({ file, finding }: { file: string; finding: Diagnostic }) {
  return (
    <li className={`finding finding--${finding.severity}`}>
      <p>
        <strong>{finding.message}</strong>
      </p>
      {finding.help && <p>Hint: {finding.help}</p>}
      <p className="mono muted">
        {file}:{finding.line}:{finding.column}
      </p>
    </li>
  );
}
