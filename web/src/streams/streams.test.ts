import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectFeed } from '../feed/connection';
import { followLog } from '../log/stream';
import { Connection, type Sink } from './connection';
import { Hub } from './hub';
import type { FromHub, StreamStatus } from './messages';
import type { StreamListener } from './open';
import { EventParser } from './parse';

describe('EventParser', () => {
  it('gives whole events, wherever the text is cut', () => {
    const text = ': still here\n\nid: 7\ndata: a\ndata:b\n\nevent: end\r\ndata: {}\r\n\r\n';
    for (let size = 1; size <= text.length; size += 1) {
      const parser = new EventParser();
      const events = Array.from({ length: Math.ceil(text.length / size) }, (_, at) => text.slice(at * size, (at + 1) * size));
      expect(events.flatMap((part) => parser.push(part))).toEqual([
        { name: 'message', data: 'a\nb' },
        { name: 'end', data: '{}' },
      ]);
      expect(parser.lastId).toBe('7');
    }
  });
  it('moves on only with a whole event', () => {
    const parser = new EventParser('3');
    parser.push('id: 4\ndata: x\n');
    expect(parser.lastId).toBe('3');
    parser.reset();
    expect(parser.push('data: y\n\n')).toEqual([{ name: 'message', data: 'y' }]);
    expect(parser.lastId).toBe('3');
  });
});

describe('Connection', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const said = () => {
    const statuses: StreamStatus[] = [];
    const data: string[] = [];
    const sink: Sink = { status: (one) => statuses.push(one), events: (events) => data.push(...events.map((event) => event.data)) };
    return { statuses, data, sink };
  };
  const body = (text: string) => new Response(text, { status: 200 });

  it('comes back after a loss where it was', async () => {
    const fetched = vi
      .fn()
      .mockResolvedValueOnce(body('id: 1\ndata: one\n\nid: 2\ndata: ha'))
      .mockRejectedValueOnce(new TypeError('Failed to fetch'))
      .mockResolvedValueOnce(body('id: 2\ndata: two\n\n'))
      .mockReturnValue(new Promise(() => undefined));
    vi.stubGlobal('fetch', fetched);
    const { statuses, data, sink } = said();
    const connection = new Connection('/feed', sink);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(data).toEqual(['one', 'two']);
    expect(statuses).toEqual(['connecting', 'live', 'lost', 'connecting', 'lost', 'connecting', 'live', 'lost', 'connecting']);
    const ids = fetched.mock.calls.map(([, options]) => (options as { headers: Record<string, string> }).headers['Last-Event-ID']);
    expect(ids).toEqual([undefined, '1', '1', '2']);
    expect(connection.stop()).toBe('2');
  });

  it('says that the session is over, and asks no more', async () => {
    const fetched = vi.fn().mockResolvedValue(new Response('{}', { status: 401 }));
    vi.stubGlobal('fetch', fetched);
    const { statuses, sink } = said();
    new Connection('/feed', sink);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(statuses).toEqual(['connecting', 'refused']);
    expect(fetched).toHaveBeenCalledTimes(1);
  });
});

describe('Hub', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  /** A hub whose connections are written down instead of made. */
  function world() {
    const open: { url: string; sink: Sink; from: string; id: string }[] = [];
    const hub = new Hub((url, sink, from = '') => {
      const one = { url, sink, from, id: from };
      open.push(one);
      sink.status('connecting');
      return {
        stop: () => {
          open.splice(open.indexOf(one), 1);
          return one.id;
        },
      };
    });
    const page = () => {
      const got: FromHub[] = [];
      return { got, postMessage: (message: FromHub) => void got.push(message) };
    };
    return { hub, open, page };
  }

  it('holds one feed for all pages, until the last one goes', () => {
    const { hub, open, page } = world();
    const [first, second] = [page(), page()];
    hub.receive(first, { what: 'open', stream: 1, url: '/feed', kind: 'shared' });
    open[0]?.sink.status('live');
    hub.receive(second, { what: 'open', stream: 5, url: '/feed', kind: 'shared' });
    expect(open).toHaveLength(1);
    expect(second.got).toEqual([{ stream: 5, status: 'live' }]);
    const events = [{ name: 'message', data: '[]' }];
    open[0]?.sink.events(events);
    expect(first.got.at(-1)).toEqual({ stream: 1, events });
    expect(second.got.at(-1)).toEqual({ stream: 5, events });
    hub.receive(first, { what: 'bye' });
    expect(open).toHaveLength(1);
    hub.receive(second, { what: 'close', stream: 5 });
    expect(open).toHaveLength(0);
  });

  it('begins again when somebody else is logged in', () => {
    const { hub, open, page } = world();
    const [first, second] = [page(), page()];
    hub.receive(first, { what: 'open', stream: 1, url: '/feed', kind: 'shared' });
    const before = open[0];
    before?.sink.status('live');
    hub.receive(second, { what: 'anew' });
    expect(open).toHaveLength(1);
    expect(open[0]).not.toBe(before);
    open[0]?.sink.status('refused');
    expect(first.got.at(-1)).toEqual({ stream: 1, status: 'refused' });
  });

  it('asks again for who comes after a refusal', () => {
    const { hub, open, page } = world();
    const [first, second] = [page(), page()];
    hub.receive(first, { what: 'open', stream: 1, url: '/feed', kind: 'shared' });
    const refused = open[0];
    refused?.sink.status('refused');
    hub.receive(second, { what: 'open', stream: 1, url: '/feed', kind: 'shared' });
    expect(open).toHaveLength(1);
    expect(open[0]).not.toBe(refused);
    expect(second.got.at(-1)).toEqual({ stream: 1, status: 'connecting' });
  });

  it('lets five logs take turns on three connections, each going on where it was', () => {
    const { hub, open, page } = world();
    const pages = ['a', 'b', 'c', 'd', 'e'].map((url) => {
      const one = page();
      hub.receive(one, { what: 'open', stream: 1, url, kind: 'own' });
      return one;
    });
    const urls = () => open.map(({ url }) => url).sort();
    expect(urls()).toEqual(['a', 'b', 'c']);
    for (const one of open) {
      one.sink.status('live');
      one.id = `${one.url}1`;
    }
    const seen = new Set(urls());
    for (let turn = 0; turn < 5; turn += 1) {
      vi.advanceTimersByTime(1_000);
      expect(open).toHaveLength(3);
      urls().forEach((url) => seen.add(url));
    }
    expect([...seen].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(open.find(({ url }) => url === 'a')?.from).toBe('a1');
    // What has begun does not begin again for the page.
    expect(pages[0]?.got).toEqual([
      { stream: 1, status: 'connecting' },
      { stream: 1, status: 'live' },
    ]);
    hub.receive(pages[0] ?? page(), { what: 'bye' });
    hub.receive(pages[1] ?? page(), { what: 'bye' });
    expect(urls()).toEqual(['c', 'd', 'e']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A stream whose other end the test holds. */
function held() {
  const ends: StreamListener[] = [];
  const closed = vi.fn();
  const open = (_url: string, _kind: string, listener: StreamListener) => {
    ends.push(listener);
    return closed;
  };
  const end = (): StreamListener => {
    const last = ends.at(-1);
    if (last === undefined) throw new Error('nothing was opened');
    return last;
  };
  return { open, end, closed };
}

describe('the feed', () => {
  afterEach(() => vi.useRealTimers());
  it('hands on a commit with more changes than a call takes arguments', () => {
    vi.useFakeTimers();
    const { open, end } = held();
    const listener = { opened: vi.fn(), changed: vi.fn(), status: vi.fn(), refused: vi.fn() };
    connectFeed('/feed', listener, open);
    end().events([{ name: 'message', data: JSON.stringify(Array.from({ length: 300_000 }, () => ({ what: 'pools' }))) }]);
    vi.advanceTimersByTime(100);
    expect(listener.changed.mock.calls[0]?.[0]).toHaveLength(300_000);
  });

  it('tells a session that is over from a lost connection', () => {
    const { open, end } = held();
    const listener = { opened: vi.fn(), changed: vi.fn(), status: vi.fn(), refused: vi.fn() };
    connectFeed('/feed', listener, open);
    end().status('lost');
    expect(listener.refused).not.toHaveBeenCalled();
    end().status('refused');
    expect(listener.refused).toHaveBeenCalledTimes(1);
    expect(listener.status.mock.calls).toEqual([['lost']]);
  });
});

describe('the followed log', () => {
  it('is complete only when the server says so', () => {
    const { open, end, closed } = held();
    vi.stubGlobal('requestAnimationFrame', () => 1);
    vi.stubGlobal('cancelAnimationFrame', () => undefined);
    const listener = { restart: vi.fn(), lines: vi.fn(), status: vi.fn(), end: vi.fn(), refused: vi.fn() };
    followLog('/log', listener, open);
    end().status('connecting');
    end().status('live');
    end().events([{ name: 'message', data: '["a"]' }]);
    end().status('lost');
    end().status('live');
    end().status('refused');
    expect(listener.restart).toHaveBeenCalledTimes(1);
    expect(listener.refused).toHaveBeenCalledTimes(1);
    expect(listener.end).not.toHaveBeenCalled();
    expect(listener.status.mock.calls).toEqual([['connecting'], ['live'], ['lost'], ['live']]);
    end().events([
      { name: 'message', data: JSON.stringify(Array.from({ length: 300_000 }, () => 'b')) },
      { name: 'end', data: '{}' },
    ]);
    expect(listener.lines.mock.calls[0]?.[0]).toHaveLength(300_001);
    expect(listener.end).toHaveBeenCalledTimes(1);
    expect(closed).toHaveBeenCalledTimes(1);
    vi.unstubAllGlobals();
  });
});
