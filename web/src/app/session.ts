// What happens when the server does not know any more who looks.

/** To the login page, and back afterwards. */
export function leadToLogin(): void {
  if (location.pathname === '/login') return;
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
