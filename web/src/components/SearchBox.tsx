// A search field. The one that is marked as the page's own is focused by the `/` key.
import { useEffect, useRef } from 'react';
import { Icon } from './Icon';
import './SearchBox.css';

interface Props {
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** Listens to `/`. */
  primary?: boolean;
}

const takesText = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

export function SearchBox({ label, value, onChange, primary = false }: Props) {
  const input = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (!primary) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || takesText(event.target)) return;
      event.preventDefault();
      input.current?.select();
      input.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [primary]);

  return (
    <div className="search-box">
      <Icon name="search" size={15} />
      <input
        ref={input}
        type="search"
        className="field-input"
        placeholder={label}
        aria-label={label}
        aria-keyshortcuts={primary ? '/' : undefined}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {primary && value === '' && <kbd aria-hidden="true">/</kbd>}
    </div>
  );
}
