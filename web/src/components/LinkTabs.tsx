// Views of one thing as links, so that each has an address and the back button works.
import type { ReactNode } from 'react';
import { Link, type To } from 'react-router';
import './LinkTabs.css';

export interface LinkTab {
  label: string;
  to: To;
  current: boolean;
  mark?: ReactNode;
}

export function LinkTabs({ label, tabs }: { label: string; tabs: readonly LinkTab[] }) {
  return (
    <nav className="link-tabs" aria-label={label}>
      {tabs.map((tab) => (
        <Link key={tab.label} to={tab.to} aria-current={tab.current ? 'page' : undefined}>
          {tab.label}
          {tab.mark}
        </Link>
      ))}
    </nav>
  );
}
