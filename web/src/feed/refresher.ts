// Reads again what became stale, at a bearable rate: a key that changes all the time is read when the
// last reading is over and has been for as long as it took, never in parallel with itself. Many changes
// within the wait are one reading, and no change is missed: one that comes during a reading causes another.

type Read = () => Promise<unknown>;

interface Entry {
  read: Read;
  again: boolean;
}

export class Refresher {
  private readonly entries = new Map<string, Entry>();

  constructor(
    /** Shortest time between two readings of the same key, in ms. */
    private readonly minWait: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  request(key: string, read: Read): void {
    const entry = this.entries.get(key);
    if (entry === undefined) {
      const fresh: Entry = { read, again: false };
      this.entries.set(key, fresh);
      void this.run(key, fresh);
    } else {
      entry.read = read;
      entry.again = true;
    }
  }

  private async run(key: string, entry: Entry): Promise<void> {
    entry.again = false;
    const started = this.now();
    try {
      await entry.read();
    } catch {
      // The query itself holds and shows its error.
    }
    const wait = Math.max(this.minWait, this.now() - started);
    setTimeout(() => {
      if (entry.again) void this.run(key, entry);
      else this.entries.delete(key);
    }, wait);
  }
}
