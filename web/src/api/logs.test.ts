import { afterEach, describe, expect, it, vi } from 'vitest';
import { downloadLog, readLog } from './logs';

const REF = { dagId: 'd', runId: 'r', taskId: 't', mapIndex: -1 };
const piece = (count: number, token: string | null) =>
  new Response(JSON.stringify({ content: Array.from({ length: count }, () => 'x'), continuation_token: token }));

describe('readLog', () => {
  afterEach(() => vi.unstubAllGlobals());
  const read = (...pieces: Response[]) => {
    const fetched = vi.fn<(url: string) => Promise<Response>>(() => Promise.resolve(pieces.shift() ?? piece(0, null)));
    vi.stubGlobal('fetch', fetched);
    return { fetched, log: readLog(REF, 1, new AbortController().signal, { lines: 500_000, pieces: 3 }) };
  };

  it('takes pieces of more lines than a call may have arguments, to the end', async () => {
    const { fetched, log } = read(piece(300_000, 'next'), piece(1, null));
    const { lines, isCut } = await log;
    expect(lines).toHaveLength(300_001);
    expect(isCut).toBe(false);
    expect(fetched.mock.calls[1]?.[0]).toContain('token=next');
  });

  it('stops at the most lines and at the most pieces, and says so', async () => {
    const many = await read(piece(500_000, 'next'), piece(1, null)).log;
    expect([many.lines.length, many.isCut]).toEqual([500_000, true]);
    const large = await read(piece(1, 'a'), piece(1, 'b'), piece(1, 'c'), piece(1, null)).log;
    expect([large.lines.length, large.isCut]).toEqual([3, true]);
  });
});

describe('downloadLog', () => {
  afterEach(() => vi.unstubAllGlobals());
  it('gives all pieces as text', async () => {
    const first = new Response(
      JSON.stringify({ content: [{ timestamp: '2026-01-01T00:00:00Z', event: 'a' }], continuation_token: 'next' }),
    );
    const answers = [first, piece(2, null)];
    vi.stubGlobal('fetch', () => Promise.resolve(answers.shift()));
    expect(await (await downloadLog(REF, 1)).text()).toBe('2026-01-01T00:00:00Z a\nx\nx\n');
  });
});
