// Durations as people say them, in the two greatest units.

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
];

/** `seconds` as `940 ms`, `4.2 s`, `42 s`, `3m 20s`, `2h 05m`, `1d 04h`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '–';
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const first = UNITS.findIndex(([, size]) => whole >= size);
  const [name, size] = UNITS[first] ?? ['s', 1];
  const [nextName, nextSize] = UNITS[first + 1] ?? ['s', 1];
  const rest = Math.floor((whole % size) / nextSize);
  return `${Math.floor(whole / size)}${name} ${String(rest).padStart(2, '0')}${nextName}`;
}

/** The seconds between two moments of the API; up to `now` (ms) while there is no end. */
export function elapsed(start: string | null | undefined, end: string | null | undefined, now: number): number | null {
  if (start === null || start === undefined) return null;
  const from = Date.parse(start);
  const to = end === null || end === undefined ? now : Date.parse(end);
  return Number.isNaN(from) || Number.isNaN(to) ? null : Math.max(0, (to - from) / 1000);
}

/** An ISO 8601 duration of the API (`P1DT2H`) or a `TimeDelta` object, in seconds. */
export function parseDuration(value: string | { days: number; seconds: number; microseconds: number } | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') return value.days * 86_400 + value.seconds + value.microseconds / 1e6;
  const match = /^(-)?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(value);
  if (match === null) return null;
  const [sign, weeks, days, hours, minutes, seconds] = match.slice(1);
  const part = (text: string | undefined) => Number(text ?? 0);
  const total = part(weeks) * 604_800 + part(days) * 86_400 + part(hours) * 3_600 + part(minutes) * 60 + part(seconds);
  return sign === undefined ? total : -total;
}
