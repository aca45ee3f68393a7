// Logging in and out. The session is an HttpOnly cookie, so the page never sees a token.
import { request } from './client';

export const login = (username: string, password: string) =>
  request<unknown>('/auth/login', { method: 'POST', body: { username, password } });

export const logout = () => request<unknown>('/auth/logout', { method: 'POST' });
