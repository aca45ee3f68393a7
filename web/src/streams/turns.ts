// Lets many hold few places: everyone who waits gets one in turn, from whoever has had one longest.

export interface Turn {
  start: () => void;
  stop: () => void;
}

export class Turns {
  private active: Turn[] = [];
  private waiting: Turn[] = [];
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly places: number,
    /** How long a turn lasts while others wait, in ms. */
    private readonly turnMs: number,
  ) {}

  add(turn: Turn): void {
    this.waiting.push(turn);
    this.fill();
  }

  remove(turn: Turn): void {
    if (this.active.includes(turn)) turn.stop();
    this.active = this.active.filter((one) => one !== turn);
    this.waiting = this.waiting.filter((one) => one !== turn);
    this.fill();
  }

  private fill(): void {
    while (this.active.length < this.places) {
      const next = this.waiting.shift();
      if (next === undefined) break;
      this.active.push(next);
      next.start();
    }
    if (this.waiting.length === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
    } else this.timer ??= setInterval(() => this.rotate(), this.turnMs);
  }

  private rotate(): void {
    const longest = this.active.shift();
    if (longest !== undefined) {
      longest.stop();
      this.waiting.push(longest);
    }
    this.fill();
  }
}
