import { describe, expect, it } from 'vitest';
import { elapsed, formatDuration, parseDuration } from './duration';

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [0.0204, '20 ms'],
    [0.9996, '1.0 s'],
    [4.24, '4.2 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1m 00s'],
    [200, '3m 20s'],
    [3600, '1h 00m'],
    [7500, '2h 05m'],
    [100_800, '1d 04h'],
    [-1, '–'],
    [Number.NaN, '–'],
  ])('%d s is %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe('elapsed', () => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  it('ends now if there is no end', () => expect(elapsed('2026-01-01T00:00:00Z', null, now)).toBe(60));
  it('takes microseconds as the API gives them', () =>
    expect(elapsed('2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:01.500000Z', now)).toBe(1.5));
  it('is unknown before the start', () => expect(elapsed(null, null, now)).toBeNull());
  it('is never negative, though clocks differ', () => expect(elapsed('2026-01-01T00:02:00Z', null, now)).toBe(0));
});

describe('parseDuration', () => {
  it.each([
    ['PT2H', 7200],
    ['P1DT1M0.5S', 86_460.5],
    ['P2W', 1_209_600],
    ['-PT5S', -5],
    ['two hours', null],
    [null, null],
  ])('%s', (text, seconds) => expect(parseDuration(text)).toBe(seconds));
  it('reads TimeDelta', () => expect(parseDuration({ days: 1, seconds: 2, microseconds: 500_000 })).toBe(86_402.5));
});
