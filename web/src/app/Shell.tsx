// The frame around every page: the rail on the left, the page beside it, the feed behind it.
import { Outlet } from 'react-router';
import { FeedProvider } from '../feed/FeedProvider';
import { Rail } from './Rail';
import './Shell.css';

export function Shell() {
  return (
    <FeedProvider>
      <a className="shell__skip" href="#main">
        Skip to content
      </a>
      <div className="shell">
        <Rail />
        <main id="main" className="shell__main" tabIndex={-1}>
          <Outlet />
        </main>
      </div>
    </FeedProvider>
  );
}
