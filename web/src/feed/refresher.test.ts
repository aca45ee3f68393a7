import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refresher } from './refresher';

describe('Refresher', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  const refresher = () => new Refresher(100, () => Date.now());

  it('reads at once, and once more for all that comes within the wait', async () => {
    const read = vi.fn(() => Promise.resolve());
    const one = refresher();
    for (let i = 0; i < 5; i += 1) one.request('runs', read);
    expect(read).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(read).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1000);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('never reads a key in parallel with itself, and rests as long as a slow reading took', async () => {
    let running = 0;
    let most = 0;
    const read = vi.fn(async () => {
      most = Math.max(most, (running += 1));
      await new Promise((done) => setTimeout(done, 500));
      running -= 1;
    });
    const one = refresher();
    one.request('tasks', read);
    one.request('tasks', read);
    await vi.advanceTimersByTimeAsync(999);
    expect(read).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(read).toHaveBeenCalledTimes(2);
    expect(most).toBe(1);
  });

  it('goes on after a reading that failed', async () => {
    const read = vi.fn(() => Promise.reject(new Error('offline')));
    const one = refresher();
    one.request('runs', read);
    await vi.advanceTimersByTimeAsync(100);
    one.request('runs', read);
    expect(read).toHaveBeenCalledTimes(2);
  });
});
