// Server-sent events from the text they come as (the WHATWG HTML standard, "Parsing an event stream"). Pure.

export interface SentEvent {
  /** `message` if the server names none. */
  name: string;
  data: string;
}

export class EventParser {
  private rest = '';
  private name = '';
  private data: string[] = [];
  private id: string | undefined;

  /** `lastId`: what to come back with. It moves only with a whole event, so that half of one is never skipped. */
  constructor(public lastId = '') {}

  /** The events that `text` completes. */
  push(text: string): SentEvent[] {
    const events: SentEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') this.field(line);
      else {
        if (this.data.length > 0) events.push({ name: this.name || 'message', data: this.data.join('\n') });
        this.lastId = this.id ?? this.lastId;
        this.name = '';
        this.data = [];
      }
    }
    return events;
  }

  /** Forgets what was begun: the connection broke in the middle of it. */
  reset(): void {
    this.rest = '';
    this.name = '';
    this.data = [];
    this.id = undefined;
  }

  private field(line: string): void {
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.name = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
  }
}
