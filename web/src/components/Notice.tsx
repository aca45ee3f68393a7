// What stands where content would: an error with what to do, an empty state, a wait.
import type { ReactNode } from 'react';
import { Button } from './Button';
import './Notice.css';

export function ErrorNotice({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div className="notice notice--error" role="alert">
      <strong>That did not work</strong>
      <p>{error.message}</p>
      {retry && (
        <Button icon="clear" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function EmptyNotice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** Shown only after a moment, so that fast answers do not flicker. */
export function Loading({ what }: { what: string }) {
  return (
    <div className="notice notice--loading" role="status">
      <span className="notice__spinner" aria-hidden="true" />
      Loading {what}…
    </div>
  );
}
