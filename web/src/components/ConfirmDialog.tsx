// Asks before something is done, and stays open with the error if it fails.
import type { ReactNode } from 'react';
import type { UseMutationResult } from '@tanstack/react-query';
import { Button } from './Button';
import { Dialog } from './Dialog';

interface Props {
  title: string;
  action: string;
  mutation: Pick<UseMutationResult<unknown, Error, void>, 'mutate' | 'isPending' | 'error'>;
  onClose: () => void;
  children: ReactNode;
}

export function ConfirmDialog({ title, action, mutation, onClose, children }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="dialog__form"
        onSubmit={(event) => {
          event.preventDefault();
          mutation.mutate();
        }}
      >
        <div className="dialog__body">
          {children}
          {mutation.error && (
            <p className="dialog__error" role="alert">
              {mutation.error.message}
            </p>
          )}
        </div>
        <footer className="dialog__foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={mutation.isPending}>
            {action}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
