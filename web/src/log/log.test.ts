import { describe, expect, it } from 'vitest';
import { levelOf, parseAnsi, stripAnsi } from './ansi';
import { parseEvent } from './stream';

describe('parseAnsi', () => {
  it('gives each style its span', () => {
    expect(parseAnsi('a\u001b[1;32mok\u001b[22m!\u001b[0m end \u001b[91mred')).toEqual([
      { text: 'a' },
      { text: 'ok', bold: true, color: 2 },
      { text: '!', color: 2 },
      { text: ' end ' },
      { text: 'red', color: 9 },
    ]);
  });
  it('drops what is no colour', () => expect(stripAnsi('\u001b[2K\u001b]0;title\u0007x\u001b[1Ay')).toBe('xy'));
  it('leaves plain lines alone', () => expect(parseAnsi('plain [32m')).toEqual([{ text: 'plain [32m' }]));
});

describe('levelOf', () => {
  it.each([
    ['2026 ERROR no', 'error'],
    ['Traceback (most recent call last):', 'error'],
    ['ValueError: no', 'error'],
    ['WARNING: slow', 'warning'],
    ['no errors found', null],
  ])('%s', (line, level) => expect(levelOf(line)).toBe(level));
});

describe('parseEvent', () => {
  it.each([
    ['{"timestamp":"2026-01-01T00:00:00Z","event":"x"}', [{ timestamp: '2026-01-01T00:00:00Z', event: 'x' }]],
    ['["a",{"event":"b"}]', [{ event: 'a' }, { event: 'b' }]],
    ['plain text', [{ event: 'plain text' }]],
    ['{not json', [{ event: '{not json' }]],
    ['', [{ event: '' }]],
  ])('%s', (data, lines) => expect(parseEvent(data)).toEqual(lines));
});
