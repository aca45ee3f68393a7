import { describe, expect, it } from 'vitest';
import { detailText, path, queryString } from './client';

describe('path', () => {
  it('escapes what run ids contain', () =>
    expect(path`/dags/${'a'}/dagRuns/${'manual__2026-01-01T00:00:00+00:00'}`).toBe(
      '/dags/a/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00',
    ));
});

describe('queryString', () => {
  it('repeats lists and leaves out what is not given', () =>
    expect(queryString({ state: ['a', 'b'], limit: 0, paused: false, tag: null, search: '', none: undefined })).toBe(
      '?state=a&state=b&limit=0&paused=false',
    ));
  it('is empty without values', () => expect(queryString({})).toBe(''));
});

describe('detailText', () => {
  it('reads both shapes of FastAPI', () => {
    expect(detailText({ detail: 'DAG not found' })).toBe('DAG not found');
    expect(detailText({ detail: [{ loc: ['body', 'conf'], msg: 'must be an object' }, { msg: 'and more' }] })).toBe(
      'conf: must be an object; and more',
    );
    expect(detailText({ detail: null })).toBeUndefined();
    expect(detailText('<html>')).toBeUndefined();
  });
});
