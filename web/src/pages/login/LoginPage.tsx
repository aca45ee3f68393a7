// Who are you?
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate, useSearchParams } from 'react-router';
import { login } from '../../api/auth';
import { ApiError } from '../../api/client';
import { useTitle } from '../../app/useTitle';
import { Button } from '../../components/Button';
import './LoginPage.css';

/** Only addresses of this page: a link must not be able to send people elsewhere after their login. */
const safeNext = (next: string | null) => (next !== null && /^\/(?![/\\])/.test(next) ? next : '/dags');

export function LoginPage() {
  useTitle('Log in');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const client = useQueryClient();
  const enter = useMutation({
    mutationFn: () => login(username, password),
    onSuccess: async () => {
      client.clear();
      await navigate(safeNext(search.get('next')), { replace: true });
    },
  });
  const wrong = enter.error instanceof ApiError && enter.error.status === 401;

  return (
    <main className="login">
      <form
        className="login__card"
        aria-labelledby="login-title"
        onSubmit={(event) => {
          event.preventDefault();
          enter.mutate();
        }}
      >
        <svg viewBox="0 0 32 32" width="44" height="44" aria-hidden="true">
          <rect width="32" height="32" rx="8" fill="#0b7285" />
          <path
            d="M8 22c4 0 5-3 5-7s1-8 5-8M14 25c4 0 5-3 5-8 0-4 1-6 5-6"
            fill="none"
            stroke="#fff"
            strokeWidth="3"
            strokeLinecap="round"
          />
        </svg>
        <h1 id="login-title">Log in to Updraft</h1>
        <label>
          Username
          <input
            className="field-input"
            name="username"
            autoComplete="username"
            required
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        </label>
        <label>
          Password
          <input
            className="field-input"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {enter.error && (
          <p className="login__error" role="alert">
            {wrong ? 'This username and password do not match.' : enter.error.message}
          </p>
        )}
        <Button type="submit" kind="primary" disabled={enter.isPending}>
          {enter.isPending ? 'Logging in…' : 'Log in'}
        </Button>
      </form>
    </main>
  );
}
