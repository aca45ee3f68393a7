// One way to speak to the server: JSON in, JSON out, errors as values that say what the server said.
// No caching and no retries here: that is TanStack Query's part.

/** The header that tells the server that a request with our cookie comes from our page. */
export const REQUESTED_WITH = { 'X-Requested-With': 'updraft' };

type QueryValue = string | number | boolean | null | undefined | readonly string[];
export type Query = Readonly<Record<string, QueryValue>>;

interface Options {
  method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  query?: Query;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** The server answered, and not with success. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** The server could not be reached. */
export class NetworkError extends Error {
  constructor(cause: unknown) {
    super('The server does not answer. It may be restarting; this page goes on by itself when it is back.', { cause });
    this.name = 'NetworkError';
  }
}

/** Parts of a path, each escaped: run ids contain `:` and `+`. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: parts }, ...values.map((value) => encodeURIComponent(value)));
}

export function queryString(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) params.append(name, String(one));
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** FastAPI's two shapes of `detail`: a sentence, or a list of what is wrong where. */
export function detailText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('detail' in body)) return undefined;
  const { detail } = body;
  if (typeof detail === 'string') return detail;
  if (!Array.isArray(detail)) return detail === null ? undefined : JSON.stringify(detail);
  return detail
    .map((one: { loc?: unknown[]; msg?: string }) => [one.loc?.slice(1).join('.'), one.msg].filter(Boolean).join(': '))
    .join('; ');
}

async function toError(response: Response): Promise<ApiError> {
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not JSON: a proxy's page, or nothing. The status line says it.
  }
  return new ApiError(response.status, detailText(body) ?? `The server answered ${response.status} ${response.statusText}`.trim());
}

/** The shape of the answer is the caller's to name: it comes from the generated schema. */
export async function request<T>(url: string, { method = 'GET', query = {}, body, signal }: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', ...REQUESTED_WITH };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(url + queryString(query), {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new NetworkError(cause);
  }
  if (!response.ok) throw await toError(response);
  const text = await response.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

interface Collection {
  total_entries?: number | null;
}

/** Reads a whole list, page by page: the server may give less than asked for. */
// The two types tie the shape of a page to what is taken out of it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export async function requestAll<C extends Collection, T>(
  url: string,
  items: (page: C) => T[],
  { query = {}, signal }: { query?: Query; signal?: AbortSignal | undefined } = {},
): Promise<T[]> {
  const all: T[] = [];
  for (;;) {
    const page = await request<C>(url, { query: { ...query, limit: 1000, offset: all.length }, signal });
    const got = items(page);
    all.push(...got);
    if (got.length === 0 || all.length >= (page.total_entries ?? 0)) return all;
  }
}
