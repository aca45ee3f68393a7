// Short messages about what a person just did; an error stays until it is closed.
import { createContext, use, useCallback, useState, type ReactNode } from 'react';
import { IconButton } from './Button';
import './Toasts.css';

interface Toast {
  id: number;
  text: string;
  kind: 'done' | 'error';
}

const SHOWN_MS = 4_000;
let lastId = 0;

const ToastContext = createContext<(text: string, kind: Toast['kind']) => void>(() => undefined);

/** Says that something is done. */
export function useToast() {
  const show = use(ToastContext);
  return {
    done: (text: string) => show(text, 'done'),
    error: (error: Error) => show(error.message, 'error'),
  };
}

export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const remove = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (text: string, kind: Toast['kind']) => {
      const id = (lastId += 1);
      setToasts((all) => [...all.slice(-3), { id, text, kind }]);
      if (kind === 'done') setTimeout(() => remove(id), SHOWN_MS);
    },
    [remove],
  );

  return (
    <ToastContext value={show}>
      {children}
      <div className="toasts" role="region" aria-label="Messages" aria-live="polite">
        {toasts.map((toast) => (
          <div key={toast.id} className={`toast toast--${toast.kind}`} role={toast.kind === 'error' ? 'alert' : 'status'}>
            <span>{toast.text}</span>
            <IconButton icon="close" label="Dismiss" onClick={() => remove(toast.id)} />
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
