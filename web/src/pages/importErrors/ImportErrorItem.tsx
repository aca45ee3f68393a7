// The import error of one file.
import type { ImportError } from '../../api/types';
import { RelativeTime } from '../../components/Time';
import { Finding } from './Finding';
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
