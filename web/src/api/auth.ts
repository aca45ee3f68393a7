// Logging in and out. The session is an HttpOnly cookie, so the page never sees a token.
import { connectAnew } from '../streams/open';
import { request } from './client';
import type { Me } from './types';

export async function login(username: string, password: string): Promise<void> {
  await request<unknown>('/auth/login', { method: 'POST', body: { username, password } });
  connectAnew();
}

export const me = (signal: AbortSignal) => request<Me>('/api/v2/me', { signal });

export async function logout(): Promise<void> {
  await request<unknown>('/auth/logout', { method: 'POST' });
  connectAnew();
}
