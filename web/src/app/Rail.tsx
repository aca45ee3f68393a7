// The way between pages, and what is true of the whole installation: is it live, are there import errors.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { NavLink, useNavigate } from 'react-router';
import { logout } from '../api/auth';
import { listImportErrors } from '../api/importErrors';
import { keys } from '../api/keys';
import { IconButton } from '../components/Button';
import { Icon, type IconName } from '../components/Icon';
import { useTheme } from '../theme/theme';
import { FeedLight } from './FeedLight';
import './Rail.css';
import { useMe } from './useMe';

const PAGES: readonly { to: string; label: string; icon: IconName }[] = [
  { to: '/dags', label: 'Dags', icon: 'dags' },
  { to: '/dag_runs', label: 'Runs', icon: 'runs' },
  { to: '/import_errors', label: 'Import errors', icon: 'errors' },
  { to: '/pools', label: 'Pools', icon: 'pools' },
];

export function Rail() {
  const { theme, toggle } = useTheme();
  const navigate = useNavigate();
  const client = useQueryClient();
  const who = useMe();
  const importErrors = useQuery({ queryKey: keys.importErrors, queryFn: ({ signal }) => listImportErrors(signal) });
  const leave = useMutation({
    mutationFn: logout,
    onSuccess: async () => {
      await navigate('/login');
      client.clear();
    },
  });
  const broken = importErrors.data?.length ?? 0;

  return (
    <nav className="rail" aria-label="Main">
      <NavLink className="rail__logo" to="/dags" aria-label="Updraft">
        <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
          <rect width="32" height="32" rx="8" />
          <path d="M8 22c4 0 5-3 5-7s1-8 5-8M14 25c4 0 5-3 5-8 0-4 1-6 5-6" />
        </svg>
      </NavLink>
      {PAGES.map(({ to, label, icon }) => (
        <NavLink key={to} className="rail__link" to={to}>
          <Icon name={icon} size={20} />
          {label}
          {to === '/import_errors' && broken > 0 && <span className="rail__count">{broken}</span>}
        </NavLink>
      ))}
      <div className="rail__foot">
        {who.data && (
          <span className="rail__who" title={`Logged in as ${who.data.username}, in the role ${who.data.role}`}>
            <span className="visually-hidden">Logged in as </span>
            <b>{who.data.username}</b>
            <span className="visually-hidden">, in the role </span>
            <span className="muted">{who.data.role}</span>
          </span>
        )}
        <FeedLight />
        <IconButton icon={theme === 'dark' ? 'sun' : 'moon'} label={theme === 'dark' ? 'Light theme' : 'Dark theme'} onClick={toggle} />
        <IconButton icon="logout" label="Log out" disabled={leave.isPending} onClick={() => leave.mutate()} />
      </div>
    </nav>
  );
}
