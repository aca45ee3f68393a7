// The present, for durations that grow on the screen. Ticks only while something asks for it, and
// never asks the server.
import { useSyncExternalStore } from 'react';

let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function tick() {
  now = Date.now();
  listeners.forEach((tell) => tell());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    timer = setInterval(tick, 1000);
    now = Date.now();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

const neverChanges = () => () => undefined;
const present = () => now;

/** Milliseconds since the epoch, renewed each second while `ticking`. */
export const useNow = (ticking = true): number => useSyncExternalStore(ticking ? subscribe : neverChanges, present);
