// Logging in and out. The session is an HttpOnly cookie, so the page never sees a token.
import { request } from './client';
import type { Me } from './types';

export const login = (username: string, password: string) =>
  request<unknown>('/auth/login', { method: 'POST', body: { username, password } });

export const me = (signal: AbortSignal) => request<Me>('/api/v2/me', { signal });

export const logout = () => request<unknown>('/auth/logout', { method: 'POST' });
