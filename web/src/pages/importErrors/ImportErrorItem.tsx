// The import error of one file.
import type { Diagnostic, ImportError } from '../../api/types';
import { RelativeTime } from '../../components/Time';
import './ImportErrorItem.css';

export function ImportErrorItem({ error }: { error: ImportError }) {
  return (
    <article className="card import-error" aria-label={`Import error in ${error.filename}`}>
      <header>
        <h2 className="mono">{error.filename}</h2>
        <span className="muted">
          <RelativeTime iso={error.timestamp} />
        </span>
      </header>
      <ul className="import-error__list">
        {error.diagnostics.map((one, index) => (
          <Finding key={index} file={error.filename} finding={one} />
        ))}
      </ul>
      <pre>{error.stack_trace.trimEnd()}</pre>
    </article>
  );
}

function Finding({ file, finding }: { file: string; finding: Diagnostic }) {
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
